// What few alerts say: folded away until one of them says it.

import { useState } from "preact/hooks";
import { Choice, Field } from "../ui/parts";
import { labelsOf, saysMore, type Step } from "./alert_draft";
import type { PartProps } from "./alert_form";
import { useChannels } from "./channels";

export function More({ draft, set, problem }: PartProps) {
  const [open] = useState(() => saysMore(draft));
  return (
    <details open={open}>
      <summary>More</summary>
      <div class="more">
        <div class="fields">
          {draft.kind === "threshold" && (
            <>
              <Field label="Warns already at" type="number" value={draft.warn} onInput={(warn) => set({ warn })} fault={problem?.of("warn")} />
              <Field label="Is over only beyond" type="number" value={draft.clear} onInput={(clear) => set({ clear })} fault={problem?.of("clear")} />
            </>
          )}
          {draft.kind === "deadman" && draft.cron === "" && (
            <>
              <Field label="Points a period, at least" type="number" value={draft.fewest} onInput={(fewest) => set({ fewest })} hint="empty: 1" fault={problem?.of("min_points")} />
              <Field label="At most" type="number" value={draft.most} onInput={(most) => set({ most })} fault={problem?.of("max_points")} />
            </>
          )}
          <Field label="Keeps firing for" value={draft.keeping} onInput={(keeping) => set({ keeping })} hint="5m, 1h; empty: is over at once" fault={problem?.of("keep_firing_for")} />
          <Field label="Tells again every" value={draft.repeat} onInput={(repeat) => set({ repeat })} hint="empty: 4h" fault={problem?.of("repeat")} />
          <Field label="Each time so much later" type="number" value={draft.backoff} onInput={(backoff) => set({ backoff })} hint="2: after 4h, 8h, 16h" fault={problem?.of("backoff")} />
          <Field label="Tells only" value={draft.active} onInput={(active) => set({ active })} placeholder="Mon-Fri 09:00-17:00; Sat,Sun" fault={problem?.of("active_times")} />
        </div>
        {draft.kind !== "deadman" && (
          <label class="check">
            <input type="checkbox" checked={draft.lookingBack} onChange={(event) => set({ lookingBack: event.currentTarget.checked })} />
            Points that come late may show that it should have fired
          </label>
        )}
        <Escalation draft={draft} set={set} problem={problem} />
        <Field label="Message" value={draft.message} onInput={(message) => set({ message })} placeholder="{stat} is {value}" fault={problem?.of("message")} />
        <Field label="Runbook" value={draft.runbook} onInput={(runbook) => set({ runbook })} placeholder="https://wiki.example.com/orders" fault={problem?.of("runbook")} />
        <Field
          label="Labels"
          value={draft.labels}
          onInput={(labels) => set({ labels })}
          placeholder="team=shop, env=live"
          fault={labelsOf(draft.labels) === null ? "name=value, and commas between" : problem?.of("labels")}
        />
      </div>
    </details>
  );
}

/** Whom else it tells while nobody acknowledges it. */
function Escalation({ draft, set, problem }: PartProps) {
  const channels = useChannels().value ?? [];
  const steps = draft.escalation;
  const put = (place: number, change: Partial<Step>) =>
    set({ escalation: steps.map((one, at) => (at === place ? { ...one, ...change } : one)) });
  if (channels.length === 0) return null;
  return (
    <fieldset class="steps">
      <legend>If nobody acknowledges</legend>
      {steps.map((step, place) => (
        <div class="controls" key={place}>
          <Field label="After" value={step.after} onInput={(after) => put(place, { after })} hint="15m, 1h" />
          <Choice<string>
            label="tell"
            value={step.channel}
            options={channels.map(({ id, name }) => [id, name] as const)}
            onChange={(channel) => put(place, { channel })}
          />
          <button type="button" onClick={() => set({ escalation: steps.filter((_, at) => at !== place) })}>
            Remove
          </button>
        </div>
      ))}
      <button type="button" onClick={() => set({ escalation: [...steps, { after: "15m", channel: channels[0]?.id ?? "" }] })}>
        Add a step
      </button>
      {problem?.of("escalation") !== undefined && <small class="fault">{problem.of("escalation")}</small>}
    </fieldset>
  );
}
