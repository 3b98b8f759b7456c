// What is held back, and until when.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { written } from "../chart/times";
import { useLoaded } from "../ui/loaded";
import { Choice, Field } from "../ui/parts";
import { complain } from "../ui/toasts";
import type { Silence } from "./alert_models";
import { Listing } from "./listing";

const SPANS = [
  ["30m", "30 minutes"],
  ["2h", "2 hours"],
  ["8h", "8 hours"],
  ["24h", "a day"],
  ["7d", "a week"],
] as const;

export function Silences() {
  const found = useLoaded(
    (signal) => call<{ silences: Silence[] }>("GET", "/v1/silences", { signal }).then((one) => one.silences),
    [],
  );
  const [match, setMatch] = useState("");
  const [note, setNote] = useState("");
  const [span, setSpan] = useState<(typeof SPANS)[number][0]>("2h");
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      await call("POST", "/v1/silences", { body: { match, for: span, note } });
      setMatch("");
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  const end = async (id: string) => {
    try {
      await call("DELETE", `/v1/silences/${encodeURIComponent(id)}`);
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <>
      <form class="row" onSubmit={(event) => void make(event)}>
        <Field label="Stats" value={match} onInput={setMatch} required placeholder="web.*" />
        <Field label="Why" value={note} onInput={setNote} placeholder="moving the database" />
        <Choice label="For" value={span} options={SPANS} onChange={setSpan} />
        <button type="submit">Hold back</button>
      </form>
      <Listing
        label="Silences"
        found={found}
        empty="Nothing is held back."
        columns={[
          { name: "What", of: (one) => one.match ?? [...one.stats, ...one.alerts].join(", ") },
          { name: "From", of: (one) => written(one.from), numeric: true },
          { name: "Until", of: (one) => written(one.until), numeric: true },
          { name: "Why", of: (one) => one.note },
          {
            name: "End",
            of: (one) => (
              <button type="button" class="quiet" onClick={() => void end(one.id)}>
                End
              </button>
            ),
            numeric: true,
          },
        ]}
      />
    </>
  );
}
