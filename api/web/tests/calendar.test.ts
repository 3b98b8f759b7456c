import { describe, expect, it } from "vitest";
import { byDay, repeatText, ruleFrom, weeksFrom } from "../src/pages/calendar";

const at = (text: string) => Date.parse(text);

describe("a calendar", () => {
  it("begins its weeks on Mondays", () => {
    const days = weeksFrom("2026-11-26", 2);
    expect([days[0], days.at(-1), days.length]).toEqual(["2026-11-23", "2026-12-06", 14]);
    expect(weeksFrom("2026-11-29", 1)[0]).toBe("2026-11-23");
    expect(weeksFrom("2026-11-23", 1)[0]).toBe("2026-11-23");
  });

  it("puts what lasts over midnight on both days", () => {
    const span = { id: "a", text: "move", from: at("2026-11-26T22:00:00Z"), until: at("2026-11-28T02:00:00Z") };
    expect([...byDay([span], "UTC", "2026-12-31")]).toEqual([
      ["2026-11-26", [{ id: "a", text: "move", from: "22:00", until: null }]],
      ["2026-11-27", [{ id: "a", text: "move", from: null, until: null }]],
      ["2026-11-28", [{ id: "a", text: "move", from: null, until: "02:00" }]],
    ]);
  });

  it("does not put what ends at midnight on the next day, nor goes on after the last", () => {
    const span = { id: "a", text: "", from: at("2026-11-26T22:00:00Z"), until: at("2026-11-27T00:00:00Z") };
    expect([...byDay([span], "UTC", "2026-12-31").keys()]).toEqual(["2026-11-26"]);
    expect([...byDay([{ ...span, until: at("2027-11-27T00:00:00Z") }], "UTC", "2026-11-27").keys()]).toHaveLength(2);
  });

  it.each([
    ["", null],
    ["daily", "FREQ=DAILY"],
    ["weekly", "FREQ=WEEKLY;BYDAY=TU"],
    ["monthly", "FREQ=MONTHLY;BYDAY=3TU"],
    ["own", "FREQ=YEARLY"],
  ] as const)("comes again %j as %j", (repeat, rule) => {
    expect(ruleFrom(repeat, "2026-11-17", " FREQ=YEARLY ")).toBe(rule);
  });

  it.each([
    ["daily", "every day"],
    ["weekly", "every week"],
    ["monthly", "every month, that weekday"],
    ["own", "FREQ=DAILY;BYMONTH=2"],
  ] as const)("says in words how %j comes again", (repeat, text) => {
    expect(repeatText(ruleFrom(repeat, "2026-11-30", "FREQ=DAILY;BYMONTH=2") ?? "")).toBe(text);
  });

  it("means the last weekday of a month by the fifth", () => {
    expect(ruleFrom("monthly", "2026-11-30", "")).toBe("FREQ=MONTHLY;BYDAY=-1MO");
  });
});
