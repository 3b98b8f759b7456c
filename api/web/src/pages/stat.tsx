// One stat: its chart, what its past adds up to, and what can be done with it.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { AGGREGATES, type Aggregate, type Annotation, type Stat } from "../api/models";
import { noteAt, useAnnotations } from "../chart/annotations";
import { bounds, comparisons, isRolling, offered, rangeOf, rangeParams, seconds, tierFor, type Range } from "../chart/ranges";
import { type Wanted } from "../chart/series";
import { StatChart } from "../chart/stat_chart";
import { adjust, params } from "../router";
import { Icon } from "../ui/icon";
import { useLoaded } from "../ui/loaded";
import { Choice, Trouble } from "../ui/parts";
import { Ranges } from "../ui/ranges";
import { Note } from "./note";
import { StatActions } from "./stat_actions";
import { StatAlerts, useWatching } from "./stat_alerts";
import { StatNotes } from "./stat_notes";
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
  // What it is compared with is drawn as finely, and the store has kept less of it.
  const back = compare === null || aggregates.length > 1 ? 0 : (seconds(compare) ?? 0);
  const [noting, setNoting] = useState<{ at: number; note?: Annotation } | null>(null);
  const watching = useWatching(stat);
  const drawsAlerts = params.value.get("alerts") !== "none";
  const notes = useAnnotations(bounds(range, nowS), stat.id);
  const pick = (at: number, reachS: number) => {
    const note = noteAt(notes.notes, at, reachS);
    setNoting(note ? { at, note } : { at });
  };
  return (
    <section class="page">
      <header class="page-head">
        <a class="icon-button" href="/stats" data-page aria-label="All stats">
          <Icon name="back" />
        </a>
        <h1 class="name">{stat.name}</h1>
        <span class={`kind kind-${stat.type}`}>{stat.type}</span>
        <StatActions stat={stat} again={again} />
      </header>
      <div class="controls">
        <Ranges range={range} />
        <Choice
          label="Step"
          value={resolution ?? "auto"}
          options={[["auto", `auto (${tierFor(range, nowS, back)})`], ...resolutions.map((one) => [one, one] as const)]}
          onChange={(value) => adjust({ resolution: value === "auto" ? null : value })}
        />
        <Choice
          label="Against"
          value={compare ?? "none"}
          options={[["none", "nothing"], ...compares.map((one) => [one, `${one} before`] as const)]}
          onChange={(value) => adjust({ compare: value })}
        />
        <Picked stat={stat} chosen={aggregates} />
        {notes.offered && (
          <button type="button" class="quiet" onClick={() => setNoting({ at: Date.now() / 1000 })}>
            Note
          </button>
        )}
        {watching.alerts.length > 0 && (
          <label class="check">
            <input type="checkbox" checked={drawsAlerts} onChange={(event) => adjust({ alerts: event.currentTarget.checked ? null : "none" })} />
            Alerts
          </label>
        )}
      </div>
      <StatChart
        stat={stat}
        range={range}
        resolution={resolution}
        aggregates={aggregates.length > 0 ? aggregates : ["value"]}
        compare={aggregates.length > 1 ? null : compare}
        marks={drawsAlerts ? [...notes.marks, ...watching.marks] : notes.marks}
        thresholds={drawsAlerts ? watching.thresholds : []}
        height={360}
        onZoom={(from, to) => adjust(rangeParams({ from, to }), { replace: false })}
        {...(notes.offered ? { onPick: pick } : {})}
      />
      <p class="hint">
        Drag over the chart to zoom in{notes.offered && ", click to note what happened, or on a note to change it"}.
        {!isRolling(range) && " The browser's back button zooms out."}
      </p>
      <StatNotes notes={notes} onEdit={(note) => setNoting({ at: 0, note })} />
      <StatAlerts stat={stat} watching={watching} />
      <Totals stat={stat} />
      {noting !== null && <Note key={noting.note?.id ?? ""} {...noting} stat={stat} onClose={() => setNoting(null)} onDone={notes.again} />}
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
