// An alert, new or changed, with its line on the chart and what it would have done last week.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { Choice, Dialog, Field } from "../ui/parts";
import { say } from "../ui/toasts";
import {
  AGGREGATES, changeOf, CHANGES, DIRECTIONS, draftOf, EMPTY, isRanged, isWhole, OPS, ruleOf, titleOf,
  type Draft, type Kind, type Severity,
} from "./alert_draft";
import type { Alert } from "./alert_models";
import { More } from "./alert_more";
import { isPattern, isRatio } from "./alert_target";
import { Trial } from "./alert_trial";
import { useFound, Watched } from "./alert_watched";
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

/** Stats that the past is judged for at a time. */
const TRIED_MAX = 20;

interface AlertFormProps {
  /** The alert to change; without it a new one is made. */
  alert?: Alert;
  stat?: string;
  onClose: () => void;
  onDone: () => void;
}

export function AlertForm({ alert, stat, onClose, onDone }: AlertFormProps) {
  const [draft, setDraft] = useState<Draft>(() => (alert ? draftOf(alert) : { ...EMPTY, targets: [stat ?? ""] }));
  const [problem, setProblem] = useState<Problem | null>(null);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const [place, setPlace] = useState(0);
  const { offered, known } = useFound(draft.targets[place] ?? "");
  const [head = ""] = draft.targets;
  const first = isPattern(head) ? offered[0] : known.get(head);
  const own = alert ? draftOf(alert).targets : [];
  const tried = triedOf(draft, (name) => known.has(name) || own.includes(name));
  const amount = isPattern(head) ? offered.length : (tried?.targets.length ?? 0);
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
        <Watched draft={draft} set={set} problem={problem} offered={offered} onWrite={setPlace} />
        <Condition draft={draft} set={set} problem={problem} />
        {first && tried && isWhole(tried) && amount <= TRIED_MAX && (
          <Trial draft={tried} rule={alert ? { ...alert.rule, ...changeOf(alert, tried) } : ruleOf(tried)} stat={first} />
        )}
        {amount > TRIED_MAX && <p class="hint">These are more stats than can be tried at a time.</p>}
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

/** The draft as far as its stats are known: half a name is no question for the server. */
function triedOf(draft: Draft, isKnown: (name: string) => boolean): Draft | null {
  const [head = ""] = draft.targets;
  if (draft.targets.length === 1 && isPattern(head)) return draft;
  const targets = draft.targets.filter(isKnown);
  return targets.length >= (isRatio(draft) ? 2 : 1) ? { ...draft, targets } : null;
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
      <Choice<string> label={isRatio(draft) ? "Their" : "Its"} value={draft.aggregate} options={AGGREGATES.map((one) => [one, one] as const)} onChange={(aggregate) => set({ aggregate })} />
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
