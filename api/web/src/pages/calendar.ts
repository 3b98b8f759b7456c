// Days on the wall of a time zone, what falls on them, and how it comes again. Pure.

import { wall } from "../chart/wall";

export interface Span {
  id: string;
  text: string;
  /** Epoch milliseconds. */
  from: number;
  until: number;
}

/** A span as one of its days has it: `from` and `until` are times of day, null when it goes on. */
export interface Placed {
  id: string;
  text: string;
  from: string | null;
  until: string | null;
}

const DAY_MS = 86_400_000;
const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"] as const;

export const REPEATS = [
  ["", "does not"],
  ["daily", "every day"],
  ["weekly", "every week"],
  ["monthly", "every month, that weekday"],
  ["own", "by a rule of its own"],
] as const;

export type Repeat = (typeof REPEATS)[number][0];

/** The days (2026-11-26) of so many weeks, from the Monday on or before a day. */
export function weeksFrom(day: string, weeks: number): string[] {
  const at = Date.parse(day);
  const monday = at - ((new Date(at).getUTCDay() + 6) % 7) * DAY_MS;
  return Array.from({ length: weeks * 7 }, (_, index) => dayText(monday + index * DAY_MS));
}

/** What falls on each day, in order of time; only days on which something does. */
export function byDay(spans: readonly Span[], zone: string, last: string): Map<string, Placed[]> {
  const found = new Map<string, Placed[]>();
  for (const span of [...spans].sort((one, other) => one.from - other.from)) {
    const [from, until] = [wall(span.from, zone), wall(span.until, zone)];
    // What ends at midnight is not of the day that then begins.
    const end = wall(span.until - 1, zone).slice(0, 10);
    for (let day = from.slice(0, 10); day <= end && day <= last; day = dayText(Date.parse(day) + DAY_MS)) {
      const placed = {
        id: span.id,
        text: span.text,
        from: day === from.slice(0, 10) ? from.slice(11) : null,
        until: day === until.slice(0, 10) ? until.slice(11) : null,
      };
      found.set(day, [...(found.get(day) ?? []), placed]);
    }
  }
  return found;
}

/** The rule (RFC 5545) of what begins on a day and comes again. */
export function ruleFrom(repeat: Repeat, day: string, own: string): string | null {
  const at = new Date(day);
  const weekday = WEEKDAYS[at.getUTCDay()] ?? "MO";
  if (repeat === "daily") return "FREQ=DAILY";
  if (repeat === "weekly") return `FREQ=WEEKLY;BYDAY=${weekday}`;
  if (repeat === "own") return own.trim();
  if (repeat === "") return null;
  const nth = Math.ceil(at.getUTCDate() / 7);
  return `FREQ=MONTHLY;BYDAY=${nth > 4 ? -1 : nth}${weekday}`;
}

const WORDS: readonly (readonly [Repeat, RegExp])[] = [
  ["daily", /^FREQ=DAILY$/],
  ["weekly", /^FREQ=WEEKLY;BYDAY=[A-Z]{2}$/],
  ["monthly", /^FREQ=MONTHLY;BYDAY=-?\d[A-Z]{2}$/],
];

/** A rule in the words that it was chosen by; a rule of its own as it is. */
export function repeatText(rule: string): string {
  const found = WORDS.find(([, form]) => form.test(rule))?.[0];
  return REPEATS.find(([one]) => one === found)?.[1] ?? rule;
}

function dayText(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
