// What few alerts say: folded away until one of them says it.

import { useState } from "preact/hooks";
import { Field } from "../ui/parts";
import { labelsOf, saysMore } from "./alert_draft";
import type { PartProps } from "./alert_form";

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
          <Field label="Keeps firing for" value={draft.keeping} onInput={(keeping) => set({ keeping })} hint="5m, 1h; empty: is over at once" fault={problem?.of("keep_firing_for")} />
          <Field label="Tells again every" value={draft.repeat} onInput={(repeat) => set({ repeat })} hint="empty: 4h" fault={problem?.of("repeat")} />
        </div>
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
