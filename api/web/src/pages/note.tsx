// A note on the time axis: new, changed or removed.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { Annotation, Stat } from "../api/models";
import { asProblem, type Problem } from "../api/problem";
import { unwall, wall } from "../chart/wall";
import { zone } from "../settings";
import { Dialog, Field } from "../ui/parts";
import { complain, say } from "../ui/toasts";

interface NoteProps {
  /** The note to change; without it a new one is made. */
  note?: Annotation;
  /** The moment of a new one, epoch seconds. */
  at: number;
  stat: Stat;
  onClose: () => void;
  onDone: () => void;
}

export function Note({ note, at, stat, onClose, onDone }: NoteProps) {
  const begin = note ? Date.parse(note.at) : at * 1000;
  const end = note?.until ? Date.parse(note.until) : null;
  const [title, setTitle] = useState(note?.title ?? "");
  const [text, setText] = useState(note?.text ?? "");
  const [tags, setTags] = useState(note?.tags.join(", ") ?? "");
  const [from, setFrom] = useState(wall(begin, zone.value));
  const [until, setUntil] = useState(end === null ? "" : wall(end, zone.value));
  const [alone, setAlone] = useState(note?.stats.includes(stat.id) ?? false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const save = async (event: Event) => {
    event.preventDefault();
    const body = {
      title,
      text,
      tags: tags.split(",").map((one) => one.trim()).filter((one) => one !== ""),
      at: moment(from, begin),
      until: until === "" ? null : moment(until, end),
      ...(alone === (note?.stats.includes(stat.id) ?? false) ? {} : { stats: statsOf(note, stat, alone) }),
    };
    try {
      if (note) await call("PATCH", `/v1/annotations/${note.id}`, { body });
      else await call("POST", "/v1/annotations", { body });
      onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Dialog title={note ? "Change the note" : "What happened?"} onClose={onClose}>
      <form onSubmit={(event) => void save(event)}>
        <Field label="Title" value={title} onInput={setTitle} required autofocus placeholder="deploy 4.2" fault={problem?.of("title")} />
        <Field label="More" value={text} onInput={setText} fault={problem?.of("text")} />
        <div class="fields">
          <Field label="At" type="datetime-local" value={from} onInput={setFrom} required fault={problem?.of("at")} />
          <Field label="Until" type="datetime-local" value={until} onInput={setUntil} fault={problem?.of("until")} />
        </div>
        <Field label="Tags" value={tags} onInput={setTags} hint="with commas between them" fault={problem?.of("tags")} />
        <label class="check">
          <input type="checkbox" checked={alone} onChange={(event) => setAlone(event.currentTarget.checked)} />
          Only on {stat.name}
        </label>
        {problem && (
          <p class="fault" role="alert">
            {problem.detail}
          </p>
        )}
        <button class="primary" type="submit">
          {note ? "Save" : "Note it"}
        </button>
      </form>
    </Dialog>
  );
}

/** What was written, or to the second what it was when nobody changed it. */
function moment(text: string, before: number | null): string {
  const same = before !== null && text === wall(before, zone.value);
  return new Date(same ? before : unwall(text, zone.value)).toISOString();
}

function statsOf(note: Annotation | undefined, stat: Stat, alone: boolean): string[] {
  return alone ? [stat.id] : (note?.stats ?? []).filter((one) => one !== stat.id);
}

/** Take a note away, with a way back. */
export async function remove(note: Annotation, again: () => void): Promise<void> {
  const restore = async () => {
    const { title, text, tags, at, until, stats, link } = note;
    await call("POST", "/v1/annotations", { body: { title, text, tags, at, until, stats, link: link ?? "" } });
    again();
  };
  try {
    await call("DELETE", `/v1/annotations/${note.id}`);
    say(`${note.title} is removed.`, () => void restore().catch(complain));
    again();
  } catch (error) {
    complain(error);
  }
}
