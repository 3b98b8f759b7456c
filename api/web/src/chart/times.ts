// Moments as people read them, in the reader's zone.

import { zone } from "../settings";

const MADE = new Map<string, Intl.DateTimeFormat>();

function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone.value + JSON.stringify(options);
  let found = MADE.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", { timeZone: zone.value, hourCycle: "h23", ...options });
    MADE.set(key, found);
  }
  return found;
}

/** A bucket's start as precisely as its width makes sense. */
export function moment(atS: number, stepS: number): string {
  const date: Intl.DateTimeFormatOptions = { weekday: "short", day: "numeric", month: "short" };
  if (stepS >= 86_400) return formatter({ ...date, year: "numeric" }).format(atS * 1000);
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
  if (stepS < 60) time.second = "2-digit";
  return formatter({ ...date, ...time }).format(atS * 1000);
}

/** Labels of an axis: times of the day, and days where a new one begins. */
export function tickLabels(splits: readonly number[], stepS: number): string[] {
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
  if (stepS < 60) time.second = "2-digit";
  if (stepS >= 28 * 86_400) return splits.map((at) => formatter({ month: "short", year: "numeric" }).format(at * 1000));
  return splits.map((at) => {
    const clock = formatter(time).format(at * 1000);
    return stepS >= 86_400 || /^00:00(:00)?$/.test(clock) ? formatter(day).format(at * 1000) : clock;
  });
}

/** A moment of the API (ISO 8601), to the minute. */
export function written(iso: string | null): string {
  if (iso === null) return "–";
  const options = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" } as const;
  return formatter(options).format(new Date(iso));
}

/** How long ago something was: now, 12 s, 5 min, 3 h, 2 d. */
export function ago(iso: string | null, nowMs: number): string {
  if (iso === null) return "never";
  const s = Math.max(0, (nowMs - new Date(iso).getTime()) / 1000);
  if (s < 2) return "now";
  return `${span(s)} ago`;
}

/** A length of time in its largest unit. */
export function span(s: number): string {
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129_600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}
