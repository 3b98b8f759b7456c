// One drawn line: buckets by their start, kept dense, changed by what arrives live. Pure data.

import type { Aggregate, Columns, Kind, LivePoint, Maybe } from "../api/models";

export interface Line {
  t: number[];
  values: Maybe[];
}

/** Aggregates that a live bucket tells; the others have to be asked for again. */
const TOLD: ReadonlySet<string> = new Set(["value", "sum", "count", "avg", "min", "max", "rate"]);

export function isTold(aggregate: Aggregate | "value"): boolean {
  return TOLD.has(aggregate);
}

export function lineOf(columns: Columns, aggregate: Aggregate | "value"): Line {
  return { t: [...columns.t], values: [...(columns[aggregate] ?? columns.value)] };
}

/** What an aggregate of one live bucket is. */
export function told(point: LivePoint, aggregate: Aggregate | "value", step: number): Maybe {
  switch (aggregate) {
    case "value":
      return point.value;
    case "sum":
      return point.sum;
    case "count":
      return point.count;
    case "avg":
      return point.count > 0 ? point.sum / point.count : null;
    case "min":
      return point.min;
    case "max":
      return point.max;
    case "rate":
      return point.sum / step;
    default:
      return null;
  }
}

/** What a bucket without points is: nothing happened, or nothing is known. */
export function nothing(kind: Kind, aggregate: Aggregate | "value"): Maybe {
  if (aggregate === "count") return 0;
  if (kind === "value") return null;
  return aggregate === "value" || aggregate === "sum" || aggregate === "rate" ? 0 : null;
}

/** Put one bucket in: over the one of that start, or at the end with empty ones before it. */
export function put(line: Line, at: number, value: Maybe, step: number, empty: Maybe): void {
  const { t, values } = line;
  const index = place(t, at);
  if (index < t.length) {
    if (t[index] === at) values[index] = value;
    else if (index > 0) {
      t.splice(index, 0, at);
      values.splice(index, 0, value);
    }
    return;
  }
  extend(line, at, step, empty);
  t.push(at);
  values.push(value);
}

/** Let time pass: empty buckets up to `until` (not included), none before `from`. */
export function advance(line: Line, from: number, until: number, step: number, empty: Maybe): void {
  extend(line, until, step, empty);
  const first = place(line.t, from - step + 1);
  if (first > 0) {
    line.t.splice(0, first);
    line.values.splice(0, first);
  }
}

/** Buckets that a line may be lengthened by at once; beyond that it is loaded again. */
const EXTEND_MAX = 5_000;

function extend(line: Line, until: number, step: number, empty: Maybe): void {
  const last = line.t.at(-1);
  if (last === undefined || (until - last) / step > EXTEND_MAX) return;
  for (let at = last + step; at < until; at += step) {
    line.t.push(at);
    line.values.push(empty);
  }
}

/** The start of the last bucket while it is not over; null when it is. */
export function openStart(t: readonly number[], step: number, nowS: number): number | null {
  const last = t.at(-1);
  return last !== undefined && last + step > nowS ? last : null;
}

/** The first index whose start is not before `at`. */
export function place(t: readonly number[], at: number): number {
  let low = 0;
  let high = t.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((t[middle] ?? Infinity) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Lines of different starts over one axis, as uPlot wants them; missing buckets are undefined. */
export function together(lines: readonly Line[]): [number[], ...(Maybe | undefined)[][]] {
  const first = lines[0];
  if (lines.every((line) => first && sameStarts(line.t, first.t))) {
    return [first?.t ?? [], ...lines.map((line) => line.values)];
  }
  const starts = [...new Set(lines.flatMap((line) => line.t))].sort((a, b) => a - b);
  const rows = lines.map((line) => {
    const known = new Map(line.t.map((at, index) => [at, line.values[index]]));
    return starts.map((at) => known.get(at));
  });
  return [starts, ...rows];
}

function sameStarts(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a[0] === b[0] && a.at(-1) === b.at(-1));
}
