// The grid of a dashboard: panels never overlap, and fall up into free room. Pure.

import type { Panel, Place } from "./model";

export const COLUMNS = 24;
export const WIDTH_MIN = 3;
export const HEIGHT_MIN = 2;
const HEIGHT_MAX = 40;

type Placed = Pick<Panel, "id" | "place">;

export function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** A place within the grid. */
export function fitted(place: Place): Place {
  const w = clamp(place.w, WIDTH_MIN, COLUMNS);
  const h = clamp(place.h, HEIGHT_MIN, HEIGHT_MAX);
  return { w, h, x: clamp(place.x, 0, COLUMNS - w), y: Math.max(0, place.y) };
}

/** The panels after one of them took a place: it stays, the others make room and close up. */
export function arranged<T extends Placed>(panels: readonly T[], id: string, wanted: Place): T[] {
  const place = fitted(wanted);
  const moved = panels.map((one) => (one.id === id ? { ...one, place } : one));
  return settled(moved, id);
}

/** The panels without overlaps and without empty rows above them; `first` goes before its equals. */
export function settled<T extends Placed>(panels: readonly T[], first = ""): T[] {
  const order = [...panels].sort(
    (a, b) => a.place.y - b.place.y || Number(b.id === first) - Number(a.id === first) || a.place.x - b.place.x,
  );
  const done: T[] = [];
  for (const panel of order) {
    let { y } = panel.place;
    while (y > 0 && !hits({ ...panel.place, y: y - 1 }, done)) y -= 1;
    while (hits({ ...panel.place, y }, done)) y += 1;
    done.push({ ...panel, place: { ...panel.place, y } });
  }
  const byId = new Map(done.map((panel) => [panel.id, panel]));
  return panels.map((panel) => byId.get(panel.id) ?? panel);
}

/** The first free place for a new panel. */
export function room(panels: readonly Placed[], w: number, h: number): Place {
  for (let y = 0; ; y++) {
    for (let x = 0; x + w <= COLUMNS; x++) {
      if (!hits({ x, y, w, h }, panels)) return { x, y, w, h };
    }
  }
}

function hits(place: Place, panels: readonly Placed[]): boolean {
  return panels.some((other) => overlap(place, other.place));
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, Math.round(value)));
}
