// What a board is called, how far back it looks, which variables it has.

import { useState } from "preact/hooks";
import type { Board, Variable } from "../board/model";
import { PRESETS } from "../chart/ranges";
import { Icon } from "../ui/icon";
import { Choice, Dialog, Field } from "../ui/parts";

interface EditorProps {
  board: Board;
  onDone: (board: Board) => void;
  onClose: () => void;
}

const REFRESHES = ["2", "5", "10", "30", "60", "300"] as const;

export function BoardEditor({ board, onDone, onClose }: EditorProps) {
  const [draft, setDraft] = useState(board);
  const set = (changes: Partial<Board>) => setDraft({ ...draft, ...changes });
  const setVariable = (index: number, changes: Partial<Variable>) =>
    set({ variables: draft.variables.map((one, at) => (at === index ? { ...one, ...changes } : one)) });
  const ranges = [...new Set([draft.range, ...PRESETS])].map((one) => [one, one] as const);
  const refreshes = [...new Set([String(draft.refresh_s), ...REFRESHES])].map((one) => [one, `${one} s`] as const);
  const done = (event: Event) => {
    event.preventDefault();
    onDone(draft);
  };
  return (
    <Dialog title="Title and variables" onClose={onClose}>
      <form onSubmit={done}>
        <Field label="Title" value={draft.title} onInput={(title) => set({ title })} required maxLength={200} />
        <Field label="Description" value={draft.description} onInput={(description) => set({ description })} maxLength={2_000} />
        <div class="controls">
          <Choice label="Looks back" value={draft.range} options={ranges} onChange={(range) => set({ range })} />
          <Choice label="Asks every" value={String(draft.refresh_s)} options={refreshes} onChange={(text) => set({ refresh_s: Number(text) })} />
        </div>
        {draft.variables.map((one, index) => (
          <div class="controls" key={index}>
            <Field label="Variable" value={one.name} onInput={(name) => setVariable(index, { name })} placeholder="site" required />
            <Field label="is * of" value={one.match} onInput={(match) => setVariable(index, { match })} placeholder="web.*.hits" required />
            <Field label="at first" value={one.value} onInput={(value) => setVariable(index, { value })} />
            <button
              type="button"
              class="icon-button"
              aria-label={`Remove ${one.name}`}
              onClick={() => set({ variables: draft.variables.filter((_, at) => at !== index) })}
            >
              <Icon name="bin" />
            </button>
          </div>
        ))}
        <button type="button" onClick={() => set({ variables: [...draft.variables, { name: "", match: "", value: "*" }] })}>
          <Icon name="plus" />
          Variable
        </button>
        <button class="primary" type="submit">
          Done
        </button>
      </form>
    </Dialog>
  );
}
