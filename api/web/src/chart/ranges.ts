// Time ranges of charts and how finely each is drawn. Pure.

import type { Tier } from "../live/hub";

export const PRESETS = ["5m", "15m", "1h", "6h", "24h", "7d", "30d", "90d", "1y"] as const;

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };

const TIERS: readonly (readonly [Tier, number, number])[] = [
  // name, width, how far back the store has it
  ["1s", 1, 15 * 60],
  ["10s", 10, 6 * 3600],
  ["1m", 60, 7 * 86_400],
  ["15m", 900, 62 * 86_400],
  ["1h", 3600, 400 * 86_400],
  ["1d", 86_400, Infinity],
];

/** Points of a chart, about; more cannot be told apart. */
const POINTS = 900;

/** A range that is as long as a tier is kept still fits it, although a moment has passed. */
const SLACK_S = 60;

/** A range: the last so many seconds, or a fixed one. */
export type Range = { last: number; text: string } | { from: number; to: number };

export function isRolling(range: Range): range is { last: number; text: string } {
  return "last" in range;
}

/** A duration like 24h in seconds; null when it is none. */
export function seconds(text: string): number | null {
  const found = /^(\d{1,6})([smhdwy])$/.exec(text);
  const unit = found && SECONDS[found[2] ?? ""];
  return unit && Number(found[1]) > 0 ? Number(found[1]) * unit : null;
}

/** The range that the parameters of an address name. */
export function rangeOf(params: URLSearchParams, fallback = "24h"): Range {
  const from = Number(params.get("from"));
  const to = Number(params.get("to"));
  if (from > 0 && to > from) return { from, to };
  const text = params.get("range") ?? fallback;
  const last = seconds(text);
  return last === null ? { last: seconds(fallback) ?? 86_400, text: fallback } : { last, text };
}

/** What a range changes in an address. */
export function rangeParams(range: Range): Record<string, string | null> {
  if (isRolling(range)) return { range: range.text, from: null, to: null };
  return { range: null, from: String(Math.floor(range.from)), to: String(Math.ceil(range.to)) };
}

export function bounds(range: Range, nowS: number): [number, number] {
  return isRolling(range) ? [nowS - range.last, nowS] : [range.from, range.to];
}

/** The finest tier that a chart can show and that the store still has, also `backS` before. */
export function tierFor(range: Range, nowS: number, backS = 0): Tier {
  const [from, to] = bounds(range, nowS);
  const fits = TIERS.find(
    ([, width, kept]) => (to - from) / width <= POINTS * 1.7 && nowS - from + backS <= kept + SLACK_S,
  );
  return fits?.[0] ?? "1d";
}

export function widthOf(tier: string): number {
  return TIERS.find(([name]) => name === tier)?.[1] ?? seconds(tier) ?? 60;
}

export function isTier(text: string): text is Tier {
  return TIERS.some(([name]) => name === text);
}

/** Resolutions that a range can be drawn in. */
export function offered(range: Range, nowS: number): Tier[] {
  const [from, to] = bounds(range, nowS);
  return TIERS.filter(
    ([, width, kept]) => (to - from) / width <= 10_000 && (to - from) / width >= 2 && nowS - from <= kept + SLACK_S,
  ).map(([name]) => name);
}

/** What a chart of this range is compared with. */
export function comparisons(range: Range): string[] {
  const span = isRolling(range) ? range.last : range.to - range.from;
  return ["1h", "1d", "1w", "4w"].filter((text) => (seconds(text) ?? 0) >= span);
}
