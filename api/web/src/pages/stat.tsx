// One stat: its chart, what its past adds up to, and what can be done with it.

import { useEffect, useState } from "preact/hooks";
import { call, download } from "../api/client";
import { AGGREGATES, type Aggregate, type Stat } from "../api/models";
import { useAnnotations } from "../chart/annotations";
import { bounds, comparisons, isRolling, offered, rangeOf, rangeParams, tierFor, type Range } from "../chart/ranges";
import { type Wanted } from "../chart/series";
import { StatChart } from "../chart/stat_chart";
import { written } from "../chart/times";
import { adjust, go, params } from "../router";
import { Icon } from "../ui/icon";
import { useLoaded } from "../ui/loaded";
import { Choice, Dialog, Field, Trouble } from "../ui/parts";
import { Ranges } from "../ui/ranges";
import { complain, say } from "../ui/toasts";
import { Note } from "./note";
import { Totals } from "./totals";

export function StatPage({ id }: { id: string }) {
  const path = `/v1/stats/${encodeURIComponent(id)}`;
  const found = useLoaded((signal) => call<Stat>("GET", path, { signal }), [id]);
  const stat = found.value;
  useEffect(() => {
    document.title = stat ? `${stat.name} · StatFlow` : "StatFlow";
    return () => {
      document.title = "StatFlow";
    };
  }, [stat?.name]);
  if (found.problem) {
    return (
      <section class="page">
        <Trouble problem={found.problem} again={found.again} />
      </section>
    );
  }
  return stat ? <Shown stat={stat} again={found.again} /> : <section class="page" aria-busy="true" />;
}

function Shown({ stat, again }: { stat: Stat; again: () => void }) {
  const range = rangeOf(params.value, "24h");
  const nowS = Date.now() / 1000;
  const resolutions = offered(range, nowS);
  const asked = params.value.get("resolution");
  const resolution = resolutions.find((one) => one === asked) ?? null;
  const aggregates = aggregatesOf(params.value.get("agg"));
  const compares = comparisons(range);
  const given = params.value.get("compare");
  const compare = given === "none" ? null : (compares.find((one) => one === given) ?? usual(range, compares));
  const [noteAt, setNoteAt] = useState<number | null>(null);
  const notes = useAnnotations(bounds(range, nowS), stat.id);
  return (
    <section class="page">
      <header class="page-head">
        <a class="icon-button" href="/stats" data-page aria-label="All stats">
          <Icon name="back" />
        </a>
        <h1 class="name">{stat.name}</h1>
        <span class={`kind kind-${stat.type}`}>{stat.type}</span>
        <Actions stat={stat} again={again} />
      </header>
      <div class="controls">
        <Ranges range={range} />
        <Choice
          label="Step"
          value={resolution ?? "auto"}
          options={[["auto", `auto (${tierFor(range, nowS)})`], ...resolutions.map((one) => [one, one] as const)]}
          onChange={(value) => adjust({ resolution: value === "auto" ? null : value })}
        />
        <Choice
          label="Against"
          value={compare ?? "none"}
          options={[["none", "nothing"], ...compares.map((one) => [one, `${one} before`] as const)]}
          onChange={(value) => adjust({ compare: value })}
        />
        <Picked stat={stat} chosen={aggregates} />
      </div>
      <StatChart
        stat={stat}
        range={range}
        resolution={resolution}
        aggregates={aggregates.length > 0 ? aggregates : ["value"]}
        compare={aggregates.length > 1 ? null : compare}
        marks={notes.marks}
        height={360}
        onZoom={(from, to) => adjust(rangeParams({ from, to }), { replace: false })}
        {...(notes.offered ? { onPick: setNoteAt } : {})}
      />
      <p class="hint">
        Drag over the chart to zoom in{notes.offered && ", click to note what happened"}.
        {!isRolling(range) && " The browser's back button zooms out."}
      </p>
      <Totals stat={stat} />
      {noteAt !== null && <Note at={noteAt} onClose={() => setNoteAt(null)} onDone={notes.again} />}
    </section>
  );
}

/** Short ranges are drawn finely, which the store has not kept of a week ago. */
function usual(range: Range, offers: readonly string[]): string | null {
  if ((isRolling(range) ? range.last : range.to - range.from) < 86_400) return null;
  return offers.find((one) => one === "1w") ?? offers[0] ?? null;
}

function aggregatesOf(text: string | null): Wanted[] {
  const names: readonly string[] = AGGREGATES;
  return (text ?? "").split(",").filter((one): one is Aggregate => names.includes(one)).slice(0, 4);
}

/** Aggregates beside each other, at most four; none is the one that fits the type. */
function Picked({ stat, chosen }: { stat: Stat; chosen: readonly Wanted[] }) {
  const toggle = (name: Aggregate) => {
    const next = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name].slice(-4);
    adjust({ agg: next.length > 0 ? next.join(",") : null });
  };
  const offers = AGGREGATES.filter((name) => stat.percentiles || !name.startsWith("p"));
  return (
    <div class="chips" role="group" aria-label="Aggregates">
      {offers.map((name) => (
        <button key={name} type="button" aria-pressed={chosen.includes(name)} onClick={() => toggle(name)}>
          {name}
        </button>
      ))}
    </div>
  );
}

function Actions({ stat, again }: { stat: Stat; again: () => void }) {
  const [editing, setEditing] = useState(false);
  const path = `/v1/stats/${encodeURIComponent(stat.id)}`;
  const remove = async () => {
    try {
      await call("DELETE", path);
      say(`${stat.name} is in the trash for 48 hours.`, () => void restore(path, stat.id));
      go("/stats");
    } catch (error) {
      complain(error);
    }
  };
  const save = () => download(`${path}/export`, { format: "csv" }, `${stat.id}.csv`).catch(complain);
  if (stat.state === "trash") {
    return (
      <div class="actions">
        <span class="muted">in the trash since {written(stat.trashed)}</span>
        <button type="button" class="primary" onClick={() => void restore(path, stat.id).then(again)}>
          Take it out
        </button>
      </div>
    );
  }
  return (
    <div class="actions">
      <button type="button" class="quiet" onClick={() => setEditing(true)}>
        <Icon name="pen" />
        Edit
      </button>
      <button type="button" class="quiet" onClick={() => void save()}>
        <Icon name="down" />
        CSV
      </button>
      <button type="button" class="quiet" onClick={() => void remove()}>
        <Icon name="bin" />
        Delete
      </button>
      {editing && <Edit stat={stat} onClose={() => setEditing(false)} onDone={again} />}
    </div>
  );
}

async function restore(path: string, id: string): Promise<void> {
  try {
    await call("POST", `${path}/restore`);
    go(`/stats/${id}`);
  } catch (error) {
    complain(error);
  }
}

function Edit({ stat, onClose, onDone }: { stat: Stat; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState(stat.name);
  const [unit, setUnit] = useState(stat.unit ?? "");
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      const body = { name, unit: unit.trim() === "" ? null : unit.trim() };
      await call("PATCH", `/v1/stats/${encodeURIComponent(stat.id)}`, { body });
      onDone();
      onClose();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Dialog title="Edit" onClose={onClose}>
      <form onSubmit={(event) => void save(event)}>
        <Field label="Name" value={name} onInput={setName} required maxLength={255} />
        <Field label="Unit" value={unit} onInput={setUnit} maxLength={32} hint="ms, B, %, orders; may be empty" />
        <button class="primary" type="submit">
          Save
        </button>
      </form>
    </Dialog>
  );
}
