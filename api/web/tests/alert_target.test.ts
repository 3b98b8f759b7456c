import { describe, expect, it } from "vitest";
import { changeOf, draftOf, EMPTY, ruleOf, titleOf, type Draft } from "../src/pages/alert_draft";
import { asked, type Alert } from "../src/pages/alert_models";
import { isRatio, ratioOf, turnedTo } from "../src/pages/alert_target";

const RULE = { kind: "threshold", aggregate: "sum", op: ">", threshold: 10, window: "15m" };
const EACH: Draft = { ...EMPTY, targets: ["web.eu", "web.us"], threshold: "10" };
const RATIO: Draft = { ...EMPTY, targets: ["errors", "requests"], scale: "100", threshold: "5" };

function alertOf(rule: Record<string, unknown>, change: Partial<Alert> = {}): Alert {
  const base = { id: "al_1", name: "A", kind: "threshold", state: "OK", enabled: true, severity: "critical", aggregate: "sum" };
  return { ...base, window: "15m", op: ">", threshold: 10, channels: [], rule: { ...RULE, ...rule }, watching: 1, states: [], ...change };
}

/** What the change of a draft makes of a rule. */
function changed(rule: Record<string, unknown>, touch: Partial<Draft>): Record<string, unknown> {
  const alert = alertOf(rule);
  return changeOf(alert, { ...draftOf(alert), ...touch });
}

describe("the stats of an alert", () => {
  it.each([
    [{ targets: ["web.eu"] }, { stat: "web.eu" }],
    [{ targets: ["web.*"] }, { match: "web.*" }],
    [{}, { stats: ["web.eu", "web.us"] }],
  ])("with %j are said in one way", (touch, said) => {
    const { stat, stats, match, expr } = ruleOf({ ...EACH, ...touch });
    expect({ stat, stats, match, expr }).toEqual({ stat: undefined, stats: undefined, match: undefined, expr: undefined, ...said });
  });

  it.each([
    [{ stat: "web.eu" }, { stats: ["web.eu", "web.us"], stat: null, match: null }],
    [{ match: "web.*" }, { stats: ["web.eu", "web.us"], stat: null, match: null }],
    [{ stats: ["web.eu", "web.us", "web.asia"] }, { stats: ["web.eu", "web.us"], stat: null, match: null }],
    [{ stats: ["web.eu", "web.us"] }, {}],
  ])("from %j become two", (rule, said) => {
    expect(changed(rule, { targets: EACH.targets })).toEqual(said);
  });

  it("become one or a pattern again", () => {
    expect(changed({ stats: EACH.targets }, { targets: ["web.eu"] })).toEqual({ stat: "web.eu", stats: null, match: null });
    expect(changed({ stats: EACH.targets }, { targets: ["web.*"] })).toEqual({ stat: null, stats: null, match: "web.*" });
  });

  it("take the aggregate along that was shown, where the rule left it to them", () => {
    expect(changed({ stat: "web.eu", aggregate: undefined }, { targets: ["web.eu", "latency"] })).toMatchObject({ aggregate: "sum" });
    expect(changed({ stat: "web.eu", aggregate: undefined }, { threshold: "11" })).toEqual({ threshold: 11 });
  });

  it("give it its name", () => {
    expect(titleOf(EACH)).toBe("web.eu and 1 more threshold");
    expect(titleOf(RATIO)).toBe("errors / requests threshold");
  });
});

describe("a ratio", () => {
  it.each([
    ["100", "a/b*100"],
    ["1", "a/b"],
    ["0.5", "a/b*0.5"],
  ])("times %s is %s", (scale, expr) => {
    expect(ruleOf({ ...RATIO, scale })).toMatchObject({ stats: ["errors", "requests"], expr });
  });

  it.each([
    ["a/b", "1"],
    [" a / b * 60 ", "60"],
    ["a/b*0.5", "0.5"],
  ])("is read from %j and left as it is", (expr, scale) => {
    const alert = alertOf({ stats: RATIO.targets, expr });
    expect(draftOf(alert)).toMatchObject({ targets: RATIO.targets, scale });
    expect(changeOf(alert, draftOf(alert))).toEqual({});
    expect(changeOf(alert, { ...draftOf(alert), threshold: "6" })).toEqual({ threshold: 6 });
  });

  it.each([
    [{ stat: "errors" }, { stats: ["errors", "requests"], stat: null, match: null, expr: "a/b*100" }],
    [{ stats: ["errors", "requests"] }, { expr: "a/b*100" }],
    [{ stats: ["errors", "requests"], expr: "a/b" }, { expr: "a/b*100" }],
    [{ stats: ["failures", "requests"], expr: "a/b*100" }, { stats: ["errors", "requests"], stat: null, match: null }],
  ])("is what %j becomes", (rule, said) => {
    expect(changed(rule, { targets: RATIO.targets, scale: "100" })).toEqual(said);
  });

  it("is taken away with its expression", () => {
    const rule = { stats: RATIO.targets, expr: "a/b*100" };
    expect(changed(rule, { targets: ["errors"], scale: "" })).toEqual({ stat: "errors", stats: null, match: null, expr: null });
    expect(changed(rule, { scale: "" })).toEqual({ expr: null });
  });

  it("is nothing that a deadman has", () => {
    expect(isRatio({ ...RATIO, kind: "deadman" })).toBe(false);
    expect(ruleOf({ ...RATIO, kind: "deadman" })).not.toHaveProperty("expr");
    expect(changed({ stats: RATIO.targets, expr: "a/b" }, { kind: "deadman" })).toMatchObject({ expr: null });
    expect(changed({ stats: RATIO.targets, expr: "a/b" }, { kind: "delta" })).not.toHaveProperty("expr");
  });

  it("is none of a pattern or of three stats", () => {
    expect(ratioOf(alertOf({ match: "web.*", expr: "a/b" }))).toBeNull();
    expect(turnedTo(true, ["web.*"])).toEqual(["", ""]);
    expect(turnedTo(true, ["errors", "requests", "web.eu"])).toEqual(["errors", "requests"]);
    expect(turnedTo(false, ["errors", ""])).toEqual(["errors"]);
    expect(turnedTo(false, ["", ""])).toEqual([""]);
  });

  it("is told with what divides it", () => {
    expect(asked(alertOf({ stats: RATIO.targets, expr: "a/b*100" }))).toBe("sum in 15m of errors / requests * 100 > 10");
    expect(asked(alertOf({ stats: RATIO.targets, expr: "a/b" }))).toBe("sum in 15m of errors / requests > 10");
    expect(asked(alertOf({ stats: RATIO.targets }))).toBe("sum in 15m > 10");
  });
});
