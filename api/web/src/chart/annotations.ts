// Notes on the time axis, where the server keeps any.

import { useMemo } from "preact/hooks";
import { call } from "../api/client";
import type { Annotation } from "../api/models";
import { edits } from "../session";
import { useLoaded } from "../ui/loaded";
import type { Mark } from "./chart";

const NOTES_MAX = 500;
const NONE: readonly Annotation[] = [];

export interface Notes {
  marks: Mark[];
  notes: readonly Annotation[];
  /** Whether this server keeps notes at all, and takes them from who looks. */
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
  return { marks, notes: found.value?.annotations ?? NONE, offered: found.value !== null && edits.value, again: found.again };
}

function markOf(note: Annotation): Mark {
  const until = note.until ? Date.parse(note.until) / 1000 : null;
  return { id: note.id, at: Date.parse(note.at) / 1000, until, label: note.title, kind: "note" };
}

/** The note that a click means, if one is near enough. */
export function noteAt(notes: readonly Annotation[], atS: number, reachS: number): Annotation | null {
  const far = (note: Annotation) => Math.abs(Date.parse(note.at) / 1000 - atS);
  const nearest = [...notes].sort((one, other) => far(one) - far(other))[0];
  return nearest && far(nearest) <= reachS ? nearest : null;
}
