// An alert while it is written: what the form holds, and the rule that the API is asked to keep. Pure.
//
// Law: what a person did not touch is not part of the change, so that whatever a rule says that the
// form does not show outlives every edit.

import type { Alert } from "./alert_models";
import { expressionOf, isRatio, saidOf, targetOf, watchedText } from "./alert_target";

export type Kind = "threshold" | "delta" | "deadman";

export const OPS = [
  [">", "above"],
  [">=", "at least"],
  ["<", "below"],
  ["<=", "at most"],
  ["==", "exactly"],
  ["!=", "anything but"],
  ["inside", "between"],
  ["outside", "outside of"],
] as const;

export const AGGREGATES = [
  "sum", "avg", "min", "max", "count", "last", "rate", "stddev", "range", "p50", "p75", "p90", "p95", "p99", "p99.9",
] as const;

export const DIRECTIONS = [
  ["any", "up or down"],
  ["up", "up"],
  ["down", "down"],
] as const;

export const CHANGES = [
  ["percent", "percent"],
  ["absolute", "of its own unit"],
  ["ratio", "times"],
] as const;

export type Severity = "critical" | "warning";

/** Whom to tell when nobody has acknowledged so long after it began. */
export interface Step {
  after: string;
  channel: string;
}

export interface Draft {
  name: string;
  kind: Kind;
  /** Names, or one pattern; of a ratio the stat that is divided, then the one that divides it. */
  targets: readonly string[];
  /** What a ratio is multiplied by; empty when each stat is judged for itself. */
  scale: string;
  aggregate: string;
  op: string;
  threshold: string;
  upper: string;
  window: string;
  difference: string;
  direction: string;
  change: string;
  period: string;
  cron: string;
  lasting: string;
  severity: Severity;
  channels: readonly string[];
  warn: string;
  clear: string;
  keeping: string;
  repeat: string;
  message: string;
  runbook: string;
  /** As people write them: team=shop, env=live. */
  labels: string;
  /** Of a deadman: how many points each period wants, at least and at most. */
  fewest: string;
  most: string;
  backoff: string;
  /** When it may tell, with semicolons between. */
  active: string;
  lookingBack: boolean;
  escalation: readonly Step[];
}

export const EMPTY: Draft = {
  name: "",
  kind: "threshold",
  targets: [""],
  scale: "",
  aggregate: "sum",
  op: ">",
  threshold: "",
  upper: "",
  window: "15m",
  difference: "50",
  direction: "any",
  change: "percent",
  period: "5m",
  cron: "",
  lasting: "",
  severity: "critical",
  channels: [],
  warn: "",
  clear: "",
  keeping: "",
  repeat: "",
  message: "",
  runbook: "",
  labels: "",
  fewest: "",
  most: "",
  backoff: "",
  active: "",
  lookingBack: false,
  escalation: [],
};

type Rule = Record<string, unknown>;

/** What StatHat's clients write instead. */
const SAID_AS: Record<string, string> = {
  "greater than": "up", "less than": "down", "different than": "any", gt: "up", lt: "down", dt: "any", ">": "up", "<": "down",
};

/** What the form begins with when an alert is changed. */
export function draftOf(alert: Alert): Draft {
  const { rule, kind } = alert;
  const text = (name: string): string | null => {
    const value = rule[name];
    return typeof value === "string" && value !== "" ? value : null;
  };
  const span = (name: string): string | null => {
    const value = rule[name];
    return typeof value === "number" ? `${value}s` : text(name);
  };
  const number = (of: Kind) => (kind === of && alert.threshold !== null ? String(alert.threshold) : EMPTY[of === "delta" ? "difference" : "threshold"]);
  const figure = (name: string): string => (typeof rule[name] === "number" ? String(rule[name]) : "");
  const said = text("direction") ?? text("op") ?? text("operator") ?? EMPTY.direction;
  return {
    ...targetOf(alert),
    name: alert.name,
    kind: kind as Kind,
    aggregate: alert.aggregate ?? EMPTY.aggregate,
    op: alert.op ?? EMPTY.op,
    threshold: number("threshold"),
    upper: figure("upper"),
    window: alert.window ?? EMPTY.window,
    difference: number("delta"),
    direction: kind === "delta" ? (SAID_AS[said] ?? said) : EMPTY.direction,
    change: text("change") ?? EMPTY.change,
    period: span("period") ?? (kind === "deadman" ? span("time_window") : null) ?? EMPTY.period,
    cron: text("cron") ?? "",
    lasting: span("for") ?? "",
    severity: alert.severity === "warning" ? "warning" : "critical",
    channels: alert.channels,
    warn: figure("warn"),
    clear: figure("clear"),
    keeping: span("keep_firing_for") ?? "",
    repeat: span("repeat") ?? "",
    message: text("message") ?? "",
    runbook: text("runbook") ?? "",
    labels: labelsText(rule["labels"]),
    fewest: figure("min_points"),
    most: figure("max_points"),
    backoff: figure("backoff"),
    active: Array.isArray(rule["active_times"]) ? rule["active_times"].join("; ") : "",
    lookingBack: rule["late"] === "reevaluate",
    escalation: stepsOf(rule["escalation"]),
  };
}

/** The steps of a rule, one for each channel. */
function stepsOf(said: unknown): readonly Step[] {
  const steps = Array.isArray(said) ? (said as { after: string | number; channels: string[] }[]) : [];
  return steps.flatMap(({ after, channels }) =>
    channels.map((channel) => ({ after: typeof after === "number" ? `${after}s` : after, channel })),
  );
}

/** Steps at the same time are one to the API. */
function escalationOf(steps: readonly Step[]): Rule[] {
  const found = new Map<string, string[]>();
  for (const { after, channel } of steps) found.set(after.trim(), [...(found.get(after.trim()) ?? []), channel]);
  return [...found].map(([after, channels]) => ({ after, channels }));
}

/** Whether it says anything that few rules do. */
export function saysMore(draft: Draft): boolean {
  return MORE.some((name) => !same(draft[name], EMPTY[name]));
}

export function titleOf(draft: Draft): string {
  return draft.name.trim() || `${watchedText(draft)} ${draft.kind}`;
}

export function isRanged(op: string): boolean {
  return op === "inside" || op === "outside";
}

/** How each thing in the form is said to the API; null takes away what says the same otherwise. */
const SAID: Record<Exclude<keyof Draft, "kind">, (draft: Draft) => Rule> = {
  name: (draft) => ({ name: titleOf(draft) }),
  targets: saidOf,
  scale: (draft) => ({ expr: isRatio(draft) ? expressionOf(draft.scale) : null }),
  aggregate: ({ aggregate }) => ({ aggregate }),
  op: ({ op, upper }) => ({ op, operator: null, upper: isRanged(op) ? Number(upper) : null }),
  threshold: ({ threshold }) => ({ threshold: Number(threshold) }),
  upper: ({ op, upper }) => ({ upper: isRanged(op) ? Number(upper) : null }),
  window: ({ window }) => ({ window, time_window: null }),
  difference: ({ difference }) => ({ threshold: Number(difference), percentage: null }),
  direction: ({ direction }) => ({ direction, op: null, operator: null }),
  change: ({ change }) => ({ change }),
  period: ({ period }) => ({ period: period.trim(), time_window: null }),
  cron: ({ cron }) => ({ cron: cron.trim() }),
  lasting: ({ lasting }) => ({ for: lasting.trim() || null }),
  severity: ({ severity }) => ({ severity }),
  channels: ({ channels }) => ({ channels }),
  warn: ({ warn }) => ({ warn: figureOr(warn) }),
  clear: ({ clear }) => ({ clear: figureOr(clear) }),
  keeping: ({ keeping }) => ({ keep_firing_for: keeping.trim() || null }),
  repeat: ({ repeat }) => ({ repeat: repeat.trim() || null }),
  message: ({ message }) => ({ message: message.trim() || null }),
  runbook: ({ runbook }) => ({ runbook: runbook.trim() || null }),
  labels: ({ labels }) => ({ labels: labelsOf(labels) ?? {} }),
  fewest: ({ fewest }) => ({ min_points: figureOr(fewest) }),
  most: ({ most }) => ({ max_points: figureOr(most) }),
  backoff: ({ backoff }) => ({ backoff: figureOr(backoff) }),
  active: ({ active }) => ({ active_times: spansOf(active) }),
  lookingBack: ({ lookingBack }) => ({ late: lookingBack ? "reevaluate" : null }),
  escalation: ({ escalation }) => ({ escalation: escalationOf(escalation) }),
};

const TOLD = ["keeping", "repeat", "backoff", "active", "escalation", "message", "runbook", "labels"] as const;
const MORE = [...TOLD, "warn", "clear", "fewest", "most", "lookingBack"] as const;
const ALWAYS = ["name", "targets", "scale", "severity", "channels", ...TOLD] as const;
const OF_KIND: Record<Kind, readonly (keyof typeof SAID)[]> = {
  threshold: ["aggregate", "op", "threshold", "upper", "window", "lasting", "warn", "clear", "lookingBack"],
  delta: ["aggregate", "difference", "direction", "change", "window", "lasting", "lookingBack"],
  deadman: ["period", "cron", "fewest", "most"],
};

/** The fields of a rule that say nothing, or the wrong thing, when it becomes another kind. */
const LEFT_BEHIND: Record<Kind, readonly string[]> = {
  threshold: ["op", "operator", "threshold", "upper", "clear", "warn", "warn_clear", "time_window", "late"],
  delta: [
    "op", "operator", "threshold", "percentage", "compare", "time_delta", "median_of", "change", "direction",
    "min_base", "zero_base", "freeze_base", "time_window", "late",
  ],
  deadman: ["period", "time_window", "cron", "grace", "arm", "stop_after", "min_points", "max_points"],
};

/** What a deadman may not have besides. */
const OF_NUMBERS = ["window", "aggregate", "for", "expr"] as const;

/** The rule of a draft; what belongs to another kind is left out. */
export function ruleOf(draft: Draft): Rule {
  const said = written(draft).map((name) => SAID[name](draft));
  const whole = Object.entries(Object.assign({ kind: draft.kind }, ...said) as Rule);
  return Object.fromEntries(whole.filter(([, value]) => value !== null));
}

/** The change that makes an alert what the draft says. */
export function changeOf(alert: Alert, draft: Draft): Rule {
  const before = draftOf(alert);
  const turns = draft.kind !== before.kind;
  const common: readonly (keyof typeof SAID)[] = ALWAYS;
  // Without an aggregate of its own a rule goes by its stats: with others, what was shown is said.
  const settles = alert.rule["aggregate"] === undefined && !same(draft.targets, before.targets);
  const touched = written(draft).filter(
    (name) => !same(draft[name], before[name]) || (turns && !common.includes(name)) || (settles && name === "aggregate"),
  );
  const said = touched.map((name) => SAID[name](draft));
  return Object.assign(turns ? { ...leaving(before.kind, draft.kind), kind: draft.kind } : {}, ...said) as Rule;
}

function leaving(from: Kind, to: Kind): Rule {
  const names = to === "deadman" ? [...LEFT_BEHIND[from], ...OF_NUMBERS] : LEFT_BEHIND[from];
  return Object.fromEntries(names.map((name) => [name, null]));
}

/** What of the draft counts for its kind. */
function written({ kind, cron }: Draft): (keyof typeof SAID)[] {
  const own = OF_KIND[kind].filter((name) => name !== (cron === "" ? "cron" : "period"));
  return [...ALWAYS, ...own];
}

function same(one: Draft[keyof Draft], other: Draft[keyof Draft]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const DURATION = /^(?:\d{1,6}(?:s|m|h|d|w))+$/;

/** Whether there is enough of it to be tried over the past. */
export function isWhole(draft: Draft): boolean {
  const { targets, lasting, keeping, repeat, escalation } = draft;
  if (targets.some((one) => one === "")) return false;
  if (labelsOf(draft.labels) === null || ![keeping, repeat].every(isSpanOrNone)) return false;
  if (!escalation.every(({ after, channel }) => DURATION.test(after.trim()) && channel !== "")) return false;
  if (draft.kind === "deadman") return draft.cron !== "" || DURATION.test(draft.period.trim());
  if (!isSpanOrNone(lasting)) return false;
  if (draft.kind === "delta") return numberOf(draft.difference) > 0;
  if (![draft.warn, draft.clear].every((text) => text.trim() === "" || Number.isFinite(numberOf(text)))) return false;
  const low = numberOf(draft.threshold);
  return Number.isFinite(low) && (!isRanged(draft.op) || numberOf(draft.upper) >= low);
}

function isSpanOrNone(text: string): boolean {
  return text.trim() === "" || DURATION.test(text.trim());
}

/** The spans of a text. */
function spansOf(text: string): string[] {
  return text.split(";").flatMap((part) => part.trim() || []);
}

/** The labels of a text; null when a part of it is none. */
export function labelsOf(text: string): Record<string, string> | null {
  const parts = text.split(",").map((part) => part.trim());
  const pairs = parts.filter((part) => part !== "").map((part) => /^([^=\s]+)\s*=\s*(.+)$/.exec(part));
  if (pairs.some((pair) => pair === null)) return null;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]));
}

function labelsText(labels: unknown): string {
  if (typeof labels !== "object" || labels === null) return "";
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(", ");
}

function figureOr(text: string): number | null {
  return text.trim() === "" ? null : Number(text);
}

/** The limits that the chart draws. */
export function limitsOf({ kind, op, threshold, upper }: Draft): number[] {
  if (kind !== "threshold") return [];
  const limits = isRanged(op) ? [numberOf(threshold), numberOf(upper)] : [numberOf(threshold)];
  return limits.filter(Number.isFinite);
}

/** A number that the API would take; else NaN. */
function numberOf(text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  return Math.abs(value) <= 1e100 ? value : NaN;
}
