// Dashboards as the API has them. Pure.

import type { Spread } from "./cells";

export type PanelKind = "line" | "area" | "bars" | "number" | "gauge" | "table" | "heat" | "distribution" | "text" | "alerts";

export interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Panel {
  id: string;
  kind: PanelKind;
  place: Place;
  title: string;
  stats: string[];
  agg: string;
  group: string | null;
  expr: string | null;
  unit: string | null;
  low: number | null;
  high: number | null;
  thresholds: number[];
  stacked: boolean;
  logarithmic: boolean;
  text: string;
}

export interface Variable {
  name: string;
  match: string;
  value: string;
}

export interface Board {
  schema: 1;
  title: string;
  description: string;
  panels: Panel[];
  variables: Variable[];
  range: string;
  refresh_s: number;
}

export interface BoardReply {
  id: string;
  version: number;
  board: Board;
}

export interface BoardInfo {
  id: string;
  title: string;
  panels: number;
  created: string;
  changed: string;
}

export interface Share {
  id: string;
  created: string;
  expires: string | null;
  variables: Record<string, string>;
  origins: string[];
  views: number;
}

export interface NewShare extends Share {
  url: string;
  embed_url: string | null;
  token: string;
}

export const KINDS: readonly (readonly [PanelKind, string])[] = [
  ["line", "Lines"],
  ["area", "Areas"],
  ["bars", "Bars"],
  ["number", "Number with change"],
  ["gauge", "Gauge"],
  ["table", "Table, greatest first"],
  ["heat", "Heat map of stats"],
  ["distribution", "Heat map of values"],
  ["text", "Text"],
  ["alerts", "Alerts"],
];

export const ROW_PX = 36;

/** What the panels of a viewer show: series, from wherever they came. */
export interface ShownSeries {
  name: string;
  unit: string | null;
  type: "counter" | "value" | null;
  total: number | null;
  before?: number | null;
  t: number[];
  values: (number | null)[];
}

export interface Shown {
  step: number;
  series: ShownSeries[];
  problem: string | null;
  spread?: Spread | null;
}

export function newPanel(kind: PanelKind, stats: string[], place: Place, title = ""): Panel {
  return {
    id: newId(),
    kind,
    place,
    title,
    stats,
    agg: "value",
    group: null,
    expr: null,
    unit: null,
    low: null,
    high: null,
    thresholds: [],
    stacked: false,
    logarithmic: false,
    text: "",
  };
}

const STATS_MAX = 20;
const LIMITS_MAX = 8;

/** The stats of a panel and one more, if there is a name and room. */
export function withName(stats: string[], text: string): string[] {
  const name = text.trim();
  return name === "" || stats.includes(name) || stats.length >= STATS_MAX ? stats : [...stats, name];
}

/** Limits as somebody writes them: numbers with commas or spaces between. */
export function limitsOf(text: string): number[] {
  const parts = text.split(/[,\s]+/).filter((one) => one !== "");
  return parts.map(Number).filter(Number.isFinite).slice(0, LIMITS_MAX);
}

function newId(): string {
  return `p${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
}

export function newBoard(title: string): Board {
  return { schema: 1, title, description: "", panels: [], variables: [], range: "6h", refresh_s: 10 };
}

/** The patterns of a panel with its variables put in; the longest name first. */
export function patternsOf(board: Board, panel: Panel, chosen: ReadonlyMap<string, string>): string[] {
  const variables = [...board.variables].sort((a, b) => b.name.length - a.name.length);
  return panel.stats.map((text) =>
    variables.reduce((filled, one) => filled.replaceAll(`$${one.name}`, chosen.get(one.name) ?? one.value), text),
  );
}

/** What `*` of a pattern stands for in the names that fit it. */
export function optionsOf(match: string, names: readonly string[]): string[] {
  const [before = "", after = ""] = match.split("*");
  const fits = names.filter(
    (name) => name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after),
  );
  return [...new Set(fits.map((name) => name.slice(before.length, name.length - after.length)))].sort();
}
