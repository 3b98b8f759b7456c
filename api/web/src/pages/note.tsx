// A new note on the time axis.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { moment } from "../chart/times";
import { Dialog, Field } from "../ui/parts";
import { complain } from "../ui/toasts";

export function Note({ at, onClose, onDone }: { at: number; onClose: () => void; onDone: () => void }) {
  const [title, setTitle] = useState("");
  const [tags, setTags] = useState("");
  const save = async (event: Event) => {
    event.preventDefault();
    const names = tags.split(",").map((one) => one.trim()).filter((one) => one !== "");
    try {
      const body = { title, tags: names, at: new Date(at * 1000).toISOString() };
      await call("POST", "/v1/annotations", { body });
      onDone();
      onClose();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Dialog title={`What happened at ${moment(at, 60)}`} onClose={onClose}>
      <form onSubmit={(event) => void save(event)}>
        <Field label="Title" value={title} onInput={setTitle} required autofocus placeholder="deploy 4.2" />
        <Field label="Tags" value={tags} onInput={setTags} hint="with commas between them" />
        <button class="primary" type="submit">
          Note it
        </button>
      </form>
    </Dialog>
  );
}
