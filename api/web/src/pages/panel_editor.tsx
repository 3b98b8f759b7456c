// One panel's settings.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { AGGREGATES, type StatList } from "../api/models";
import { KINDS, limitsOf, withName, type Panel, type PanelKind } from "../board/model";
import { useLoaded } from "../ui/loaded";
import { Choice, Dialog, Field } from "../ui/parts";

interface EditorProps {
  panel: Panel;
  onDone: (panel: Panel) => void;
  onClose: () => void;
}

const GROUPS = [
  ["", "each for itself"],
  ["sum", "their sum"],
  ["avg", "their average"],
  ["min", "their minimum"],
  ["max", "their maximum"],
  ["topk:5", "the greatest 5"],
  ["topk:10", "the greatest 10"],
] as const;

const CHARTS: ReadonlySet<PanelKind> = new Set(["line", "area", "bars"]);

export function PanelEditor({ panel, onDone, onClose }: EditorProps) {
  const [draft, setDraft] = useState(panel);
  const [thresholds, setThresholds] = useState(panel.thresholds.join(", "));
  const [name, setName] = useState("");
  const set = (changes: Partial<Panel>) => setDraft({ ...draft, ...changes });
  const asks = draft.kind !== "text" && draft.kind !== "alerts";
  const done = (event: Event) => {
    event.preventDefault();
    // A name that was written and not added is meant all the same.
    onDone({ ...draft, title: draft.title.trim(), stats: withName(draft.stats, name), thresholds: limitsOf(thresholds) });
  };
  return (
    <Dialog title="Panel" onClose={onClose}>
      <form onSubmit={done}>
        <Choice label="Shows" value={draft.kind} options={KINDS} onChange={(kind) => set({ kind })} />
        <Field label="Title" value={draft.title} onInput={(title) => set({ title })} maxLength={200} autofocus />
        {draft.kind === "text" && (
          <label class="field">
            Text
            <textarea value={draft.text} maxLength={10_000} onInput={(event) => set({ text: event.currentTarget.value })} />
          </label>
        )}
        {asks && (
          <>
            <StatNames stats={draft.stats} text={name} onText={setName} onChange={(stats) => set({ stats })} />
            {draft.kind !== "distribution" && <Measure draft={draft} set={set} />}
            <Field label="Unit" value={draft.unit ?? ""} onInput={(unit) => set({ unit: unit || null })} maxLength={32} hint="empty: that of the stat" />
          </>
        )}
        {draft.kind === "gauge" && (
          <div class="controls">
            <Field label="From" type="number" value={String(draft.low ?? 0)} onInput={(text) => set({ low: numberOf(text) })} />
            <Field label="To" type="number" value={String(draft.high ?? 100)} onInput={(text) => set({ high: numberOf(text) })} />
          </div>
        )}
        {(CHARTS.has(draft.kind) || draft.kind === "gauge") && (
          <Field label="Limits" value={thresholds} onInput={setThresholds} placeholder="500, 800" hint="lines across the chart" />
        )}
        {CHARTS.has(draft.kind) && (
          <fieldset>
            <label class="check">
              <input type="checkbox" checked={draft.stacked} onChange={(event) => set({ stacked: event.currentTarget.checked })} />
              stacked
            </label>
            <label class="check">
              <input type="checkbox" checked={draft.logarithmic} onChange={(event) => set({ logarithmic: event.currentTarget.checked })} />
              logarithmic
            </label>
          </fieldset>
        )}
        <button class="primary" type="submit">
          Done
        </button>
      </form>
    </Dialog>
  );
}

/** What of each bucket, and of several stats. */
function Measure({ draft, set }: { draft: Panel; set: (changes: Partial<Panel>) => void }) {
  return (
    <>
      <div class="controls">
        <Choice
          label="Of each bucket"
          value={draft.agg}
          options={["value", ...AGGREGATES].map((one) => [one, one] as const)}
          onChange={(agg) => set({ agg })}
        />
        <Choice label="Several stats" value={draft.group ?? ""} options={GROUPS} onChange={(group) => set({ group: group || null })} />
      </div>
      <Field label="Formula" value={draft.expr ?? ""} onInput={(expr) => set({ expr: expr || null })} placeholder="a / b * 100" />
    </>
  );
}

function numberOf(text: string): number | null {
  const value = Number(text);
  return text.trim() === "" || !Number.isFinite(value) ? null : value;
}

interface NamesProps {
  stats: string[];
  text: string;
  onText: (text: string) => void;
  onChange: (stats: string[]) => void;
}

function StatNames({ stats, text, onText, onChange }: NamesProps) {
  const found = useLoaded(
    (signal) => call<StatList>("GET", "/v1/stats", { params: { q: text, sort: "activity", limit: 30 }, signal }),
    [text],
  );
  const add = () => {
    onChange(withName(stats, text));
    onText("");
  };
  return (
    <div class="field">
      <label for="panel-stats">Stats</label>
      <ul class="picked">
        {stats.map((one) => (
          <li key={one}>
            {one}
            <button
              type="button"
              class="icon-button"
              aria-label={`Remove ${one}`}
              onClick={() => onChange(stats.filter((other) => other !== one))}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
      <div class="controls">
        <input
          id="panel-stats"
          list="panel-names"
          value={text}
          placeholder="orders, or web.*.errors, or web.$site.hits"
          onInput={(event) => onText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
        <datalist id="panel-names">
          {(found.value?.stats ?? []).map((one) => (
            <option key={one.id} value={one.name} />
          ))}
        </datalist>
        <button type="button" onClick={add}>
          Add
        </button>
      </div>
    </div>
  );
}
