// Alerts as the API has them.

import type { Mark } from "../chart/chart";
import { ratioOf } from "./alert_target";

export interface Instance {
  stat: string;
  stat_name: string | null;
  state: string;
  since: string | null;
  began: string | null;
  flapping: boolean;
  acknowledged: string | null;
  snoozed_until: string | null;
}

export interface Alert {
  id: string;
  name: string;
  kind: string;
  state: string;
  enabled: boolean;
  severity: string;
  aggregate: string | null;
  window: string | null;
  op: string | null;
  threshold: number | null;
  channels: string[];
  rule: Record<string, unknown>;
  watching: number;
  states: Instance[];
}

export interface Transition {
  stat: string;
  stat_name: string | null;
  seq: number;
  from_state: string;
  to_state: string;
  at: string;
  /** When its episode began. */
  began: string | null;
  value: number | null;
  reason: string;
  tells: string | null;
  held: string | null;
}

/** Who was told of a transition, or why they were not. */
export interface Told {
  delivery: string;
  channel: string;
  event: string;
  state: string;
  reason: string;
  attempts: { at: string; took_ms: number; said: string }[];
}

/** Why an alert stands as it does with one stat. */
export interface Explanation {
  at: string;
  state: string;
  since: string | null;
  value: number | null;
  base: number | null;
  threshold: number | null;
  points: number | null;
  window: string | null;
  window_from: string | null;
  resolution: string | null;
  held: string | null;
  next_look: string | null;
  acknowledged: string | null;
  failed: boolean;
  reason: string;
  /** What late points have made of the window that was judged at this moment. */
  revised: { value_now: number | null; points_now: number } | null;
  deliveries: Told[];
}

export interface Channel {
  id: string;
  type: string;
  name: string;
  url: string | null;
  address: string | null;
  body: string | null;
  enabled: boolean;
  confirmed: boolean;
  status: string;
}

export interface Silence {
  id: string;
  kind: string;
  from: string;
  until: string;
  rrule: string | null;
  tz: string;
  match: string | null;
  alerts: string[];
  stats: string[];
  severity: string | null;
  labels: Record<string, string>;
  note: string;
  active: boolean;
  next: string | null;
  /** Its times that are not over. */
  coming: { from: string; until: string }[];
  mutes: { alert: string; name: string; stat: string }[];
}

export interface Delivery {
  id: string;
  state: string;
  channel: string;
  alert: string;
  event: string;
  stat: string | null;
  created: string;
  next_try: string | null;
  tries: number;
  attempts: { at: string; took_ms: number; said: string }[];
  reason: string;
}

/** What a silence is about, in words. */
export function heldBack(one: Silence): string {
  const labels = Object.entries(one.labels).map(([name, value]) => `${name}=${value}`);
  const named = one.alerts.map((id) => one.mutes.find((muted) => muted.alert === id)?.name ?? id);
  const parts = [...named, ...one.stats, ...(one.match === null ? [] : [one.match]), ...(one.severity === null ? [] : [one.severity]), ...labels];
  return parts.length === 0 ? "everything" : parts.join(", ");
}

/** What an alert asks, in words. */
export function asked(alert: Alert): string {
  const { kind, aggregate, window, op, threshold, rule } = alert;
  const text = (name: string) => (typeof rule[name] === "string" || typeof rule[name] === "number" ? String(rule[name]) : "");
  const measure = `${aggregate ?? "value"}${window === null ? "" : ` in ${window}`}${divided(alert)}`;
  if (kind === "deadman") return text("cron") === "" ? paced(text("period") || text("time_window"), text("min_points"), text("max_points")) : `no point at ${text("cron")}`;
  const limit = threshold ?? "";
  if (kind === "delta") return `${measure} changes by more than ${limit}${CHANGED_BY[text("change")] ?? " %"}`;
  if (op === "inside" || op === "outside") return `${measure} ${op} ${limit} to ${text("upper")}`;
  return `${measure} ${op ?? ""} ${limit}`;
}

/** Of a ratio: what is divided by what. */
function divided(alert: Alert): string {
  const ratio = ratioOf(alert);
  return ratio === null ? "" : ` of ${ratio.stats.join(" / ")}${ratio.scale === "1" ? "" : ` * ${ratio.scale}`}`;
}

/** What a deadman asks of each period. */
function paced(period: string, fewest: string, most: string): string {
  const few = fewest === "" || fewest === "1" ? `no point for ${period}` : `fewer than ${fewest} points in ${period}`;
  return most === "" ? few : `${few}, or more than ${most}`;
}

/** The limits that can be drawn into a chart of what is judged; changes have none. */
export function limits({ kind, op, threshold, rule }: Alert): number[] {
  if (kind !== "threshold" || threshold === null) return [];
  const upper = rule["upper"];
  return (op === "inside" || op === "outside") && typeof upper === "number" ? [threshold, upper] : [threshold];
}

const CHANGED_BY: Record<string, string> = { absolute: "", ratio: " times" };

/** Times in which an alert fired, from its transitions in order of time. */
export function episodes(history: readonly Transition[]): Mark[] {
  const marks: Mark[] = [];
  let began: number | null = null;
  for (const step of history) {
    const at = Date.parse(step.at) / 1000;
    if (step.tells === "late") {
      // Late points told of an episode that was over: the state of now is another matter.
      const from = Date.parse(step.began ?? step.at) / 1000;
      marks.push({ id: `${from} late`, at: from, until: at, label: "fired, as late points tell", kind: "alarm" });
      continue;
    }
    if (step.to_state === "FIRING") began ??= at;
    else if (began !== null && step.to_state !== "RECOVERING") {
      marks.push({ id: `${began}`, at: began, until: at, label: "fired", kind: "alarm" });
      began = null;
    }
  }
  if (began !== null) marks.push({ id: `${began}`, at: began, until: Date.now() / 1000, label: "fires", kind: "alarm" });
  return marks;
}
