// What an alert watches: stats by their names, a pattern, or the ratio of two. Pure.

import type { Alert } from "./alert_models";

type Rule = Record<string, unknown>;

/** The part of an alert that says at what it looks. */
export interface Target {
  kind: string;
  /** Names, or one pattern; of a ratio the stat that is divided, then the one that divides it. */
  targets: readonly string[];
  /** What a ratio is multiplied by; empty when each stat is judged for itself. */
  scale: string;
}

/** What ratios are mostly counted in. */
export const SCALES = [
  ["100", "percent"],
  ["1", "a fraction"],
  ["1000", "per thousand"],
] as const;

/** The arithmetic that rules know, as the API reads it. */
const EXPRESSION = /^\s*a\s*\/\s*b\s*(?:\*\s*([0-9]+(?:\.[0-9]+)?)\s*)?$/;

export function isPattern(text: string): boolean {
  return text.includes("*");
}

/** A deadman waits for points, which have no ratio. */
export function isRatio({ kind, scale }: Pick<Target, "kind" | "scale">): boolean {
  return kind !== "deadman" && scale !== "";
}

/** What the form begins with. */
export function targetOf({ kind, rule }: Alert): Target {
  const scale = named(rule) === null ? null : scaleOf(rule["expr"]);
  return { kind, targets: targetsOf(rule), scale: scale ?? "" };
}

/** The two stats of a ratio and what it is multiplied by; null for every other alert. */
export function ratioOf(alert: Alert): { stats: readonly [string, string]; scale: string } | null {
  const { targets, scale } = targetOf(alert);
  const [divided, divisor] = targets;
  return scale === "" || divided === undefined || divisor === undefined ? null : { stats: [divided, divisor], scale };
}

/** How the API is told of the stats; of three ways to name them it wants one. */
export function saidOf({ kind, targets, scale }: Target): Rule {
  const none = { stat: null, stats: null, match: null };
  const [first = ""] = targets;
  if (isRatio({ kind, scale })) return { ...none, stats: targets.slice(0, 2) };
  if (targets.length > 1) return { ...none, stats: targets };
  return isPattern(first) ? { ...none, match: first } : { ...none, stat: first };
}

export function expressionOf(scale: string): string {
  return scale === "1" ? "a/b" : `a/b*${scale}`;
}

/** The stats with which a choice between the two ways begins: a pattern has no ratio, three have none. */
export function turnedTo(ratio: boolean, targets: readonly string[]): readonly string[] {
  const whole = targets.filter((one) => one !== "" && !(ratio && isPattern(one)));
  const [first = "", second = ""] = whole;
  if (ratio) return [first, second];
  return whole.length > 0 ? whole : [""];
}

/** What is watched, in few words. */
export function watchedText(target: Target): string {
  const [first = "", second = ""] = target.targets;
  if (isRatio(target)) return `${first} / ${second}`;
  const more = target.targets.length - 1;
  return more > 0 ? `${first} and ${more} more` : first;
}

function named(rule: Rule): string[] | null {
  const said = rule["stats"];
  return Array.isArray(said) ? (said as string[]) : null;
}

function targetsOf(rule: Rule): string[] {
  const text = (name: string) => (typeof rule[name] === "string" && rule[name] !== "" ? rule[name] : null);
  return named(rule) ?? [text("match") ?? text("stat") ?? ""];
}

/** What an expression multiplies by; null when it is none. */
function scaleOf(expr: unknown): string | null {
  const found = typeof expr === "string" ? EXPRESSION.exec(expr) : null;
  return found && (found[1] ?? "1");
}
