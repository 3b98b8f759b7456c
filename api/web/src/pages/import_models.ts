// An import as the server tells of it, and what of it is worth a sentence. Pure.

import { exact } from "../chart/numbers";

export interface Tally {
  stats: number;
  stats_done: number;
  stats_new: number;
  buckets_new: number;
  buckets_same: number;
  buckets_out: number;
  histograms_new: number;
  histograms_same: number;
  alerts_new: number;
  alerts_same: number;
  annotations_new: number;
  annotations_same: number;
  dashboards_new: number;
  dashboards_same: number;
  silences_new: number;
  silences_same: number;
  pulled: number;
  to_pull: number;
  faults: number;
}

export interface Import {
  id: string;
  state: "waiting" | "running" | "done" | "failed" | "undoing" | "undone";
  name: string;
  dry_run: boolean;
  percent: number;
  rate: number | null;
  seconds_left: number | null;
  tally: Tally;
  errors: readonly { what: string; message: string }[];
  reason: string | null;
  created: string;
  ended: string | null;
}

/** Whether somebody works on it, or soon will. */
export function underWay(one: Import): boolean {
  return one.state === "waiting" || one.state === "running" || one.state === "undoing";
}

/** Whether it failed before anything came in that could be taken back. */
export function leftNothing({ state, tally }: Import): boolean {
  const { stats_new, buckets_new, histograms_new, alerts_new, annotations_new, dashboards_new, silences_new } = tally;
  const brought = stats_new + buckets_new + histograms_new + alerts_new + annotations_new + dashboards_new + silences_new;
  return state === "failed" && brought === 0;
}

/** What was found, or of a trial what would come in; what there was none of is left out. */
export function found(one: Import): string {
  const { tally } = one;
  const parts = [
    many(tally.stats_done, "stat", "stats") + (tally.stats_new > 0 ? ` (${exact(tally.stats_new)} new)` : ""),
    many(tally.buckets_new, "bucket", "buckets"),
    tally.buckets_same > 0 ? `${exact(tally.buckets_same)} already here` : "",
    tally.buckets_out > 0 ? `${exact(tally.buckets_out)} outside of what is kept` : "",
    tally.histograms_new > 0 ? many(tally.histograms_new, "histogram", "histograms") : "",
    tally.alerts_new > 0 ? many(tally.alerts_new, "alert", "alerts") : "",
    tally.annotations_new > 0 ? many(tally.annotations_new, "annotation", "annotations") : "",
    tally.dashboards_new > 0 ? many(tally.dashboards_new, "dashboard", "dashboards") : "",
    tally.silences_new > 0 ? many(tally.silences_new, "silence", "silences") : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** How fast it goes and how long it will take, as far as anybody knows. */
export function pace(one: Import): string {
  const parts = [`${one.percent} %`];
  if (one.rate !== null) parts.push(`${exact(one.rate)} stats/s`);
  if (one.seconds_left !== null) parts.push(`${left(one.seconds_left)} left`);
  return parts.join(", ");
}

function left(seconds: number): string {
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function many(amount: number, one: string, several: string): string {
  return `${exact(amount)} ${amount === 1 ? one : several}`;
}
