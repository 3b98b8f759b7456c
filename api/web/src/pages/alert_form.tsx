// An alert, new or changed, with its line on the chart and what it would have done last week.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import type { Stat, StatList } from "../api/models";
import { asProblem, type Problem } from "../api/problem";
import { useLoaded } from "../ui/loaded";
import { Choice, Dialog, Field } from "../ui/parts";
import { say } from "../ui/toasts";
import {
  AGGREGATES, changeOf, CHANGES, DIRECTIONS, draftOf, EMPTY, isRanged, isWhole, OPS, ruleOf, titleOf,
  type Draft, type Kind, type Severity,
} from "./alert_draft";
import type { Alert } from "./alert_models";
import { More } from "./alert_more";
import { Trial } from "./alert_trial";
import { useChannels } from "./channels";

const KINDS: readonly (readonly [Kind, string])[] = [
  ["threshold", "a number leaves its range"],
  ["delta", "a number changes"],
  ["deadman", "nothing comes any more"],
];

const WINDOWS: readonly (readonly [string, string])[] = [
  ["1m", "a minute"],
  ["5m", "five minutes"],
  ["15m", "a quarter of an hour"],
  ["1h", "an hour"],
  ["1d", "a day"],
];

const SEVERITIES: readonly (readonly [Severity, string])[] = [
  ["critical", "critical"],
  ["warning", "a warning"],
];

/** Stats of a pattern that the past is judged for at a time. */
const TRIED_MAX = 20;

interface AlertFormProps {
  /** The alert to change; without it a new one is made. */
  alert?: Alert;
  stat?: string;
  onClose: () => void;
  onDone: () => void;
}

export function AlertForm({ alert, stat, onClose, onDone }: AlertFormProps) {
  const [draft, setDraft] = useState<Draft>(() => (alert ? draftOf(alert) : { ...EMPTY, target: stat ?? "" }));
  const [problem, setProblem] = useState<Problem | null>(null);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  // A rule that names its stats one by one keeps them; the first stands for all in the trial.
  const fixed = alert !== undefined && alert.rule["stats"] !== undefined;
  const wanted = fixed ? (alert.states[0]?.stat_name ?? "") : draft.target;
  const stats = useLoaded(
    (signal) => call<StatList>("GET", "/v1/stats", { params: { q: wanted, limit: 30 }, signal }),
    [wanted],
  );
  const fitting = fits(wanted, stats.value?.stats ?? []);
  const first = fitting[0];
  useEffect(() => {
    if (first && !alert) set({ aggregate: first.type === "counter" ? "sum" : "avg" });
  }, [first?.id]);
  const keep = async (event: Event) => {
    event.preventDefault();
    try {
      if (alert) await call("PATCH", `/v1/alerts/${alert.id}`, { body: changeOf(alert, draft) });
      else await call("POST", "/v1/alerts", { body: ruleOf(draft) });
      say(alert ? `${titleOf(draft)} is changed.` : `${titleOf(draft)} watches from now on.`);
      onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Dialog title={alert ? "Change the alert" : "New alert"} onClose={onClose} broad>
      <form onSubmit={(event) => void keep(event)}>
        {fixed ? (
          <p class="muted">At {alert.states.map((one) => one.stat_name ?? one.stat).join(", ")}</p>
        ) : (
          <StatField value={draft.target} onInput={(target) => set({ target })} stats={stats.value?.stats ?? []} fault={problem?.of("stat")} />
        )}
        <Condition draft={draft} set={set} problem={problem} />
        {first && isWhole(draft) && fitting.length <= TRIED_MAX && <Trial draft={draft} rule={alert ? { ...alert.rule, ...changeOf(alert, draft) } : ruleOf(draft)} stat={first} />}
        {fitting.length > TRIED_MAX && <p class="hint">It fits more stats than can be tried at a time.</p>}
        <Field label="Name" value={draft.name} onInput={(name) => set({ name })} placeholder={titleOf(draft)} fault={problem?.of("name")} />
        <Told chosen={draft.channels} onChange={(channels) => set({ channels })} />
        <More draft={draft} set={set} problem={problem} />
        {problem && (
          <p class="fault" role="alert">
            {problem.detail}
          </p>
        )}
        <button class="primary" type="submit">
          {alert ? "Save" : "Watch"}
        </button>
      </form>
    </Dialog>
  );
}

function fits(target: string, found: readonly Stat[]): readonly Stat[] {
  if (target.includes("*")) return found;
  return found.filter((one) => one.name === target || one.id === target);
}

export interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problem: Problem | null;
}

/** When it fires. */
function Condition({ draft, set, problem }: PartProps) {
  const { kind } = draft;
  return (
    <>
      <div class="controls">
        <Choice<Kind> label="When" value={kind} options={KINDS} onChange={(value) => set({ kind: value })} />
        {kind !== "deadman" && <Measure draft={draft} set={set} />}
        {kind === "threshold" && <Choice<string> label="is" value={draft.op} options={OPS} onChange={(op) => set({ op })} />}
        {kind === "delta" && (
          <>
            <Choice<string> label="goes" value={draft.direction} options={DIRECTIONS} onChange={(direction) => set({ direction })} />
            <Choice<string> label="counted in" value={draft.change} options={CHANGES} onChange={(change) => set({ change })} />
          </>
        )}
        <Choice<Severity> label="It is" value={draft.severity} options={SEVERITIES} onChange={(severity) => set({ severity })} />
      </div>
      <div class="fields">
        {kind === "deadman" ? <Expected draft={draft} set={set} problem={problem} /> : <Limits draft={draft} set={set} problem={problem} />}
      </div>
    </>
  );
}

/** What of a stat is looked at. */
function Measure({ draft, set }: Omit<PartProps, "problem">) {
  const windows = WINDOWS.some(([one]) => one === draft.window) ? WINDOWS : [...WINDOWS, [draft.window, draft.window] as const];
  return (
    <>
      <Choice<string> label="Its" value={draft.aggregate} options={AGGREGATES.map((one) => [one, one] as const)} onChange={(aggregate) => set({ aggregate })} />
      <Choice label="within" value={draft.window} options={windows} onChange={(window) => set({ window })} />
    </>
  );
}

function Limits({ draft, set, problem }: PartProps) {
  const ranged = isRanged(draft.op);
  return (
    <>
      {draft.kind === "delta" ? (
        <Field label="By more than" type="number" value={draft.difference} onInput={(difference) => set({ difference })} required fault={problem?.of("threshold")} />
      ) : (
        <Field
          label={ranged ? "From" : "Threshold"}
          type="number"
          value={draft.threshold}
          onInput={(threshold) => set({ threshold })}
          required
          fault={problem?.of("threshold")}
        />
      )}
      {draft.kind === "threshold" && ranged && (
        <Field label="To" type="number" value={draft.upper} onInput={(upper) => set({ upper })} required fault={problem?.of("upper")} />
      )}
      <Field label="For at least" value={draft.lasting} onInput={(lasting) => set({ lasting })} placeholder="at once" hint="5m, 1h; empty: at once" fault={problem?.of("for")} />
    </>
  );
}

/** When the next point is due. */
function Expected({ draft, set, problem }: PartProps) {
  if (draft.cron !== "")
    return <Field label="A point is due (cron)" value={draft.cron} onInput={(cron) => set({ cron })} required hint="0 3 * * 1" fault={problem?.of("cron")} />;
  return <Field label="No point for" value={draft.period} onInput={(period) => set({ period })} required hint="5m, 1h, 1d" fault={problem?.of("period")} />;
}

/** Whom it tells. */
function Told({ chosen, onChange }: { chosen: readonly string[]; onChange: (ids: readonly string[]) => void }) {
  const channels = useChannels().value ?? [];
  if (channels.length === 0) return null;
  return (
    <fieldset>
      <legend>Tell</legend>
      {channels.map((one) => (
        <label key={one.id} class="check">
          <input
            type="checkbox"
            checked={chosen.includes(one.id)}
            onChange={(event) => onChange(event.currentTarget.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))}
          />
          {one.name}
        </label>
      ))}
    </fieldset>
  );
}

interface StatFieldProps {
  value: string;
  onInput: (text: string) => void;
  stats: readonly Stat[];
  fault: string | undefined;
}

function StatField({ value, onInput, stats, fault }: StatFieldProps) {
  return (
    <div class="field">
      <label for="alert-stat">Stat</label>
      <input
        id="alert-stat"
        list="alert-stats"
        value={value}
        required
        autocomplete="off"
        aria-invalid={fault !== undefined}
        placeholder="orders.failed, or web.*"
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <datalist id="alert-stats">
        {stats.map((one) => (
          <option key={one.id} value={one.name} />
        ))}
      </datalist>
      {fault !== undefined && <small class="fault">{fault}</small>}
    </div>
  );
}
