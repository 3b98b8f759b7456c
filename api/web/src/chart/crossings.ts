// How often a line went over a threshold. Pure.

import type { Maybe } from "../api/models";

export type Op = ">" | ">=" | "<" | "<=";

export function breaks(value: number, op: Op, limit: number): boolean {
  switch (op) {
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
    case "<":
      return value < limit;
    default:
      return value <= limit;
  }
}

/** Episodes in which the values broke the limit; what is not known ends none and begins none. */
export function crossings(values: readonly Maybe[], op: Op, limit: number): number {
  let found = 0;
  let broken = false;
  for (const value of values) {
    if (value === null) continue;
    const now = breaks(value, op, limit);
    if (now && !broken) found += 1;
    broken = now;
  }
  return found;
}
