import { describe, expect, it } from "vitest";
import { found, leftNothing, pace, underWay, type Import } from "../src/pages/import_models";

const NOTHING = {
  stats: 0, stats_done: 0, stats_new: 0, buckets_new: 0, buckets_same: 0, buckets_out: 0, histograms_new: 0, histograms_same: 0,
  alerts_new: 0, alerts_same: 0, annotations_new: 0, annotations_same: 0, dashboards_new: 0, dashboards_same: 0,
  silences_new: 0, silences_same: 0, pulled: 0, to_pull: 0, faults: 0,
};

function importOf(change: Partial<Import>, tally: Partial<Import["tally"]> = {}): Import {
  const base = { id: "im_1", name: "dump.zip", dry_run: false, percent: 40, rate: null, seconds_left: null, errors: [] };
  const times = { reason: null, created: "2026-01-01T00:00:00Z", ended: null };
  return { state: "running", ...base, ...times, ...change, tally: { ...NOTHING, ...tally } };
}

describe("an import", () => {
  it.each([
    ["waiting", true], ["running", true], ["undoing", true], ["done", false], ["failed", false], ["undone", false],
  ] as const)("that is %s is under way: %s", (state, busy) => {
    expect(underWay(importOf({ state }))).toBe(busy);
  });

  it("can be taken back unless it failed before anything came in", () => {
    expect(leftNothing(importOf({ state: "failed" }))).toBe(true);
    expect(leftNothing(importOf({ state: "failed" }, { silences_new: 1 }))).toBe(false);
    expect(leftNothing(importOf({ state: "done" }))).toBe(false);
  });

  it("tells only what there was", () => {
    expect(found(importOf({}, { stats_done: 1, buckets_new: 2 }))).toBe("1 stat, 2 buckets");
    const all = { stats_done: 1200, stats_new: 3, buckets_new: 1, buckets_same: 4, buckets_out: 5, alerts_new: 1, annotations_new: 2, dashboards_new: 1, silences_new: 3 };
    expect(found(importOf({}, all))).toBe(
      "1,200 stats (3 new), 1 bucket, 4 already here, 5 outside of what is kept, 1 alert, 2 annotations, 1 dashboard, 3 silences",
    );
  });

  it("tells how fast it goes once that is known", () => {
    expect(pace(importOf({}))).toBe("40 %");
    expect(pace(importOf({ rate: 310.5, seconds_left: 89 }))).toBe("40 %, 310.5 stats/s, 89 s left");
    expect(pace(importOf({ seconds_left: 600 }))).toBe("40 %, 10 min left");
  });
});
