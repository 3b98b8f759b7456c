// What the API says, as far as the pages read it. Times that are numbers are epoch seconds.

export type Kind = "counter" | "value";

export interface Stat {
  id: string;
  name: string;
  type: Kind;
  unit: string | null;
  percentiles: boolean;
  state: "live" | "trash";
  created: string;
  trashed: string | null;
  last_point: string | null;
  latest: number | null;
}

export interface StatRef {
  id: string;
  name: string;
  type: Kind;
  unit?: string | null;
}

export interface StatList {
  stats: Stat[];
  next: string | null;
}

export type Maybe = number | null;

export type Columns = { t: number[]; value: Maybe[]; partial?: boolean[] } & Partial<
  Record<Aggregate, Maybe[]>
>;

export const AGGREGATES = [
  "sum",
  "count",
  "avg",
  "min",
  "max",
  "rate",
  "stddev",
  "p50",
  "p90",
  "p95",
  "p99",
] as const;

export type Aggregate = (typeof AGGREGATES)[number];

export interface Summary {
  sum: number;
  count: number;
  min: Maybe;
  max: Maybe;
  avg: Maybe;
  first: Maybe;
  last: Maybe;
  stddev: Maybe;
  bucket_min: Maybe;
  bucket_max: Maybe;
}

export interface Data {
  stat: StatRef;
  from: string;
  to: string;
  resolution: string;
  step: number;
  agg: string[];
  summary: Summary;
  complete_until: number;
  complete_from: number | null;
  approximate: boolean;
  columns: Columns;
  compare?: { shift: string; summary: Summary; columns: Columns };
}

export interface QueryLine {
  name: string;
  stat?: StatRef;
  summary?: Summary;
  columns: Columns;
}

export interface Query {
  resolution: string;
  step: number;
  complete_until: number;
  series: QueryLine[];
}

export interface Key {
  id: string;
  name: string;
  scopes: string[];
  prefix: string | null;
  last4: string;
  created: string;
  expires: string | null;
  last_used: string | null;
}

export interface NewKey extends Key {
  key: string;
}

export interface LivePoint {
  t: number;
  value: number;
  count: number;
  sum: number;
  min: number;
  max: number;
}

export interface LiveData {
  stat: string;
  resolution: string;
  points: LivePoint[];
  complete_from?: number;
}

export interface Annotation {
  id: string;
  title: string;
  text: string;
  tags: string[];
  at: string;
  until: string | null;
  stats: string[];
  link: string | null;
}
