import { describe, expect, it } from "vitest";
import { bounds, comparisons, offered, rangeOf, rangeParams, seconds, tierFor } from "../src/chart/ranges";

const NOW = 1_795_302_000;
const DAY = 86_400;

describe("ranges", () => {
  it.each([
    ["5m", 300],
    ["1w", 604_800],
    ["0h", null],
    ["5x", null],
    ["-5m", null],
    ["5", null],
  ])("%s is %s seconds", (text, found) => {
    expect(seconds(text)).toBe(found);
  });

  it("comes from an address and goes back into it", () => {
    for (const text of ["range=7d", "from=100&to=200"]) {
      const range = rangeOf(new URLSearchParams(text));
      const again = new URLSearchParams();
      for (const [name, value] of Object.entries(rangeParams(range))) if (value !== null) again.set(name, value);
      expect(again.toString()).toBe(text);
    }
    expect(rangeOf(new URLSearchParams("range=nonsense"), "6h")).toEqual({ last: 21_600, text: "6h" });
    expect(rangeOf(new URLSearchParams("from=5&to=5"), "6h")).toEqual({ last: 21_600, text: "6h" });
  });

  it.each([
    [300, 0, "1s"],
    [3600, 0, "10s"],
    [DAY, 0, "1m"],
    [7 * DAY, 0, "15m"],
    [30 * DAY, 0, "1h"],
    [365 * DAY, 0, "1d"],
    [DAY, 7 * DAY, "15m"],
    [300, 7 * DAY, "15m"],
  ])("%s s, compared with %s s before, is drawn in %s", (last, back, tier) => {
    expect(tierFor({ last, text: "" }, NOW, back)).toBe(tier);
  });

  it("looks at what the store has kept of that time", () => {
    expect(tierFor({ from: NOW - 10 * DAY, to: NOW - 10 * DAY + 600 }, NOW)).toBe("15m");
  });

  it("offers no step that nobody could draw", () => {
    expect(offered({ last: 7 * DAY, text: "7d" }, NOW)).not.toContain("1s");
    expect(offered({ last: 300, text: "5m" }, NOW)).toEqual(["1s", "10s", "1m"]);
  });

  it("compares with a time that is over when the range begins", () => {
    expect(comparisons({ last: DAY, text: "24h" })).toEqual(["1d", "1w", "4w"]);
    expect(bounds({ last: 60, text: "1m" }, NOW)).toEqual([NOW - 60, NOW]);
  });
});
