// Notes on the time axis, where the server keeps any.

import { useMemo } from "preact/hooks";
import { call } from "../api/client";
import type { Annotation } from "../api/models";
import { useLoaded } from "../ui/loaded";
import type { Mark } from "./chart";

const NOTES_MAX = 500;

export interface Notes {
  marks: Mark[];
  /** Whether this server keeps notes at all. */
  offered: boolean;
  again: () => void;
}

export function useAnnotations(bounds: readonly [number, number], stat?: string): Notes {
  // To the minute: a range that rolls on is not another question each second.
  const from = Math.floor(bounds[0] / 60) * 60;
  const to = Math.ceil(bounds[1] / 60) * 60 + 60;
  const found = useLoaded(
    (signal) => call<{ annotations: Annotation[] }>("GET", "/v1/annotations", { params: { from, to, stat, limit: NOTES_MAX }, signal }),
    [from, to, stat],
  );
  const marks = useMemo(() => (found.value?.annotations ?? []).map(markOf), [found.value]);
  return { marks, offered: found.value !== null, again: found.again };
}

function markOf(note: Annotation): Mark {
  const until = note.until ? Date.parse(note.until) / 1000 : null;
  return { id: note.id, at: Date.parse(note.at) / 1000, until, label: note.title, kind: "note" };
}
