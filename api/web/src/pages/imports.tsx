// Imports: begin one, watch it, read what could not come in, take it back.

import { useEffect } from "preact/hooks";
import { call } from "../api/client";
import { written } from "../chart/times";
import { useLoaded } from "../ui/loaded";
import { Sure } from "../ui/sure";
import { complain, say } from "../ui/toasts";
import { FileForm, ServerForm } from "./import_form";
import { found, leftNothing, pace, underWay, type Import } from "./import_models";
import { Listing } from "./listing";

const AGAIN_MS = 1_000;

export function Imports() {
  const all = useLoaded(
    (signal) => call<{ imports: Import[] }>("GET", "/v1/import/stathat", { signal }).then((one) => one.imports),
    [],
  );
  const busy = all.value?.some(underWay) ?? false;
  useEffect(() => {
    if (!busy) return;
    const timer = setInterval(all.again, AGAIN_MS);
    return () => clearInterval(timer);
  }, [busy]);
  const undo = async (one: Import) => {
    try {
      await call("DELETE", `/v1/import/stathat/${encodeURIComponent(one.id)}`);
      say(`${one.name} is taken back.`);
      all.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <>
      <div class="cards">
        <FileForm busy={busy} onBegun={all.again} />
        <ServerForm busy={busy} onBegun={all.again} />
      </div>
      <h2>Imports</h2>
      <Listing
        label="Imports"
        found={all}
        empty="Nothing was imported."
        columns={[
          { name: "When", of: (one) => <span class="number">{written(one.created)}</span> },
          { name: "From", of: (one) => one.name },
          { name: "State", of: (one) => (one.dry_run ? `trial ${one.state}` : one.state) },
          { name: "Progress", of: (one) => <Progress one={one} /> },
          { name: "Found", of: found },
          { name: "Errors", of: (one) => <Errors one={one} /> },
          {
            name: "Undo",
            of: (one) => (one.dry_run || one.state === "undone" || leftNothing(one) ? null : <Sure verb="Undo" name={one.name} onSure={() => void undo(one)} />),
            numeric: true,
          },
        ]}
      />
    </>
  );
}

function Progress({ one }: { one: Import }) {
  if (!underWay(one)) return <>{one.ended === null ? "" : written(one.ended)}</>;
  return (
    <>
      <progress max={100} value={one.percent} aria-label={`Progress of ${one.name}`} />
      <small class="number"> {pace(one)}</small>
    </>
  );
}

/** Why it failed stands open; what was wrong with single files and stats is folded away. */
function Errors({ one }: { one: Import }) {
  const { errors, reason, tally } = one;
  if (errors.length === 0) return <>{reason}</>;
  return (
    <>
      {reason !== null && <p class="fault">{reason}</p>}
      <details>
        <summary>{tally.faults}</summary>
        <ul>
          {errors.map((error, index) => (
            <li key={index}>
              <b>{error.what}</b>: {error.message}
            </li>
          ))}
        </ul>
        {tally.faults > errors.length && <p class="muted">The first {errors.length} of them.</p>}
      </details>
    </>
  );
}
