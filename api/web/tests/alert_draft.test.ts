/// <reference types="node" />
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { changeOf, draftOf, EMPTY, isWhole, labelsOf, ruleOf, saysMore, type Draft } from "../src/pages/alert_draft";
import { asked, episodes, type Alert, type Transition } from "../src/pages/alert_models";

const DRAFT = { ...EMPTY, targets: ["orders"], threshold: "10" };

/** Every field that a rule may have, as the API knows them. */
const FORM = readFileSync(new URL("../../notify/rule_form.py", import.meta.url), "utf8");
const FIELDS = [...(/^class RuleForm[^]*?(?=^class )/m.exec(FORM)?.[0] ?? "").matchAll(/^ {4}(\w+): /gm)].map(([, name = ""]) => name.replace(/_$/, ""));

function alertOf(rule: Record<string, unknown>, change: Partial<Alert> = {}): Alert {
  const base = { id: "al_1", name: "A", kind: "threshold", state: "OK", enabled: true, severity: "critical", aggregate: "sum" };
  return { ...base, window: "15m", op: ">", threshold: 10, channels: [], rule, watching: 1, states: [], ...change };
}

/** A rule that says something in every field. */
const FULL = Object.fromEntries(FIELDS.map((name) => [name, `the ${name}`]));

const TOUCHES: readonly (readonly [Partial<Draft>, readonly string[]])[] = [
  [{ name: "B" }, ["name"]],
  [{ severity: "warning" }, ["severity"]],
  [{ channels: ["ch_1"] }, ["channels"]],
  [{ targets: ["web.*"] }, ["match", "stat", "stats"]],
  [{ targets: ["web.eu", "web.us"] }, ["match", "stat", "stats"]],
  [{ scale: "100" }, ["expr"]],
  [{ aggregate: "p75" }, ["aggregate"]],
  [{ op: "<" }, ["op", "operator", "upper"]],
  [{ threshold: "11" }, ["threshold"]],
  [{ window: "1h" }, ["time_window", "window"]],
  [{ lasting: "5m" }, ["for"]],
  [{ warn: "5" }, ["warn"]],
  [{ clear: "4" }, ["clear"]],
  [{ keeping: "10m" }, ["keep_firing_for"]],
  [{ repeat: "1h" }, ["repeat"]],
  [{ message: "{stat} is {value}" }, ["message"]],
  [{ runbook: "https://example.com/" }, ["runbook"]],
  [{ labels: "team=shop" }, ["labels"]],
  [{ backoff: "3" }, ["backoff"]],
  [{ active: "Sat,Sun" }, ["active_times"]],
  [{ lookingBack: true }, ["late"]],
  [{ escalation: [{ after: "15m", channel: "ch_1" }] }, ["escalation"]],
];

describe("an alert's draft", () => {
  it("knows every field of a rule", () => {
    expect(FIELDS).toContain("flap_within");
    expect(FIELDS.length).toBeGreaterThan(40);
  });

  it("asks only for what its kind has", () => {
    expect(ruleOf(DRAFT)).toMatchObject({ name: "orders threshold", stat: "orders", op: ">", threshold: 10 });
    expect(ruleOf({ ...DRAFT, kind: "deadman" })).not.toHaveProperty("threshold");
    expect(ruleOf({ ...DRAFT, targets: ["web.*"] })).toMatchObject({ match: "web.*" });
    expect(ruleOf({ ...DRAFT, op: "outside", upper: "20" })).toMatchObject({ op: "outside", threshold: 10, upper: 20 });
  });

  it.each(["threshold", "delta", "deadman"])("changes nothing of a %s that nobody touched", (kind) => {
    const alert = alertOf(FULL, { kind });
    expect(changeOf(alert, draftOf(alert))).toEqual({});
  });

  it.each(TOUCHES)("with %j changes nothing else", (touch, names) => {
    const alert = alertOf(FULL);
    expect(Object.keys(changeOf(alert, { ...draftOf(alert), ...touch })).sort()).toEqual(names);
  });

  it("reads labels as people write them, and writes them as it reads them", () => {
    const alert = alertOf({ labels: { team: "shop", env: "live" }, warn: 5, repeat: 3600 });
    const draft = draftOf(alert);
    expect(draft).toMatchObject({ labels: "team=shop, env=live", warn: "5", repeat: "3600s" });
    expect([saysMore(draft), saysMore(EMPTY)]).toEqual([true, false]);
    expect(changeOf(alert, { ...draft, labels: " team = shop ,x=y=z, " })).toEqual({ labels: { team: "shop", x: "y=z" } });
    expect(changeOf(alert, { ...draft, labels: "", warn: "" })).toEqual({ labels: {}, warn: null });
    expect(labelsOf("team")).toBeNull();
  });

  it("writes steps at the same time as one, and spans one by one", () => {
    const alert = alertOf({ escalation: [{ after: 900, channels: ["ch_a", "ch_b"] }], active_times: ["Mon-Fri 09:00-17:00"] });
    const draft = draftOf(alert);
    expect(draft.escalation).toEqual([
      { after: "900s", channel: "ch_a" },
      { after: "900s", channel: "ch_b" },
    ]);
    expect(draft.active).toBe("Mon-Fri 09:00-17:00");
    const escalation = [...draft.escalation, { after: "1h", channel: "ch_c" }];
    expect(changeOf(alert, { ...draft, escalation, active: " Sat,Sun ; 22:00-06:00;" })).toEqual({
      escalation: [
        { after: "900s", channels: ["ch_a", "ch_b"] },
        { after: "1h", channels: ["ch_c"] },
      ],
      active_times: ["Sat,Sun", "22:00-06:00"],
    });
    expect(isWhole({ ...DRAFT, escalation: [{ after: "soon", channel: "ch_a" }] })).toBe(false);
  });

  it("counts the points of a deadman's periods", () => {
    const draft: Draft = { ...DRAFT, kind: "deadman", fewest: "3", most: "9" };
    expect(ruleOf(draft)).toMatchObject({ period: "5m", min_points: 3, max_points: 9 });
    expect(ruleOf({ ...draft, kind: "threshold" })).not.toHaveProperty("min_points");
  });

  it.each(["stddev", "range", "p75", "p90", "p99.9"])("keeps %s", (aggregate) => {
    const alert = alertOf({ aggregate }, { aggregate });
    expect(changeOf(alert, { ...draftOf(alert), threshold: "9" })).toEqual({ threshold: 9 });
  });

  it.each([
    [{ op: "greater than" }, "up"],
    [{ operator: "<" }, "down"],
    [{ direction: "down" }, "down"],
    [{}, "any"],
  ])("reads the direction of a change from %j", (rule, direction) => {
    const alert = alertOf(rule, { kind: "delta", op: null, threshold: 30 });
    expect(draftOf(alert)).toMatchObject({ direction, difference: "30" });
    expect(changeOf(alert, { ...draftOf(alert), difference: "40" })).toEqual({ threshold: 40, percentage: null });
  });

  it("takes away only what the alert was before when it becomes another kind", () => {
    const alert = alertOf(FULL);
    const change = changeOf(alert, { ...draftOf(alert), kind: "deadman", cron: "", period: "1h" });
    expect(change).toMatchObject({ kind: "deadman", threshold: null, op: null, for: null, expr: null, period: "1h" });
    for (const name of ["runbook", "message", "labels", "escalation", "repeat", "group", "depends_on", "stat", "match", "stats"])
      expect(change).not.toHaveProperty(name);
  });

  it("takes away what is emptied while it becomes another kind", () => {
    const alert = alertOf({ match: "web.*", message: "{stat}", threshold: 10 });
    const change = changeOf(alert, { ...draftOf(alert), kind: "deadman", targets: ["web.eu"], message: "" });
    expect(change).toMatchObject({ stat: "web.eu", match: null, message: null });
  });

  it.each([
    [{}, true],
    [{ targets: [""] }, false],
    [{ targets: ["orders", ""] }, false],
    [{ targets: ["errors", "requests"], scale: "100" }, true],
    [{ threshold: "" }, false],
    [{ threshold: "1e999" }, false],
    [{ op: "inside", upper: "9" }, false],
    [{ op: "inside", upper: "10" }, true],
    [{ lasting: "5 minutes" }, false],
    [{ warn: "5", clear: "4", keeping: "5m", repeat: "1h", labels: "a=b" }, true],
    [{ warn: "much" }, false],
    [{ repeat: "often" }, false],
    [{ labels: "a" }, false],
    [{ lasting: "1h30m" }, true],
    [{ kind: "delta", difference: "0" }, false],
    [{ kind: "deadman", period: "soon" }, false],
    [{ kind: "deadman", cron: "0 3 * * *" }, true],
  ] as const)("with %j is whole: %s", (change, whole) => {
    expect(isWhole({ ...DRAFT, ...change })).toBe(whole);
  });
});

describe("episodes", () => {
  it("last from firing until it is over, recovering too", () => {
    const steps = ["FIRING", "RECOVERING", "FIRING", "OK"].map((to_state, index) => ({ to_state, at: `2026-01-01T00:0${index}:00Z` }) as Transition);
    const marks = episodes(steps);
    expect(marks).toHaveLength(1);
    expect((marks[0]?.until ?? 0) - (marks[0]?.at ?? 0)).toBe(180);
  });

  it("are told apart from those of late points", () => {
    const fired = { to_state: "FIRING", at: "2026-01-01T03:00:00Z" } as Transition;
    const late = { to_state: "FIRING", tells: "late", began: "2026-01-01T01:00:00Z", at: "2026-01-01T01:05:00Z" } as Transition;
    const marks = episodes([late, fired]);
    expect(marks.map(({ until, at }) => (until ?? 0) - at > 300)).toEqual([false, true]);
    expect(marks[0]?.label).toContain("late");
  });
});

describe("what an alert asks", () => {
  it.each([
    [{ period: "5m" }, "no point for 5m"],
    [{ period: "1h", min_points: 3 }, "fewer than 3 points in 1h"],
    [{ period: "1h", max_points: 9 }, "no point for 1h, or more than 9"],
    [{ cron: "0 3 * * *" }, "no point at 0 3 * * *"],
  ])("of a deadman with %j", (rule, words) => {
    expect(asked(alertOf(rule, { kind: "deadman" }))).toBe(words);
  });
});
