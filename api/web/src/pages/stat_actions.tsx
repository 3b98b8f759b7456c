// What can be done with a stat: another name or unit, a file of it, the trash and back.

import { useState } from "preact/hooks";
import { call, download } from "../api/client";
import type { Stat } from "../api/models";
import { written } from "../chart/times";
import { go } from "../router";
import { edits } from "../session";
import { Icon } from "../ui/icon";
import { Dialog, Field } from "../ui/parts";
import { complain, say } from "../ui/toasts";

export function StatActions({ stat, again }: { stat: Stat; again: () => void }) {
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
      {edits.value && (
        <button type="button" class="quiet" onClick={() => setEditing(true)}>
          <Icon name="pen" />
          Edit
        </button>
      )}
      <button type="button" class="quiet" onClick={() => void save()}>
        <Icon name="down" />
        CSV
      </button>
      {edits.value && (
        <button type="button" class="quiet" onClick={() => void remove()}>
          <Icon name="bin" />
          Delete
        </button>
      )}
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
