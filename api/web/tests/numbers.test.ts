import { describe, expect, it } from "vitest";
import { change, exact, near, percent, short } from "../src/chart/numbers";

describe("numbers", () => {
  it.each([
    [0, null, "0"],
    [812, null, "812"],
    [0.00123, null, "0.00123"],
    [9_999, null, "9,999"],
    [12_345, null, "12.3k"],
    [-1_234_567, "req", "-1.23M req"],
    [1.5, "%", "1.5 %"],
    [1536, "B", "1.5 KiB"],
    [1e100, null, "1.00e+100"],
    [NaN, null, "–"],
    [null, "ms", "–"],
  ])("%s %s is written %s", (value, unit, text) => {
    expect(short(value, unit)).toBe(text);
  });

  it("keeps every digit where it is asked to", () => {
    expect(exact(1_234_567.891)).toBe("1,234,567.891");
  });

  it("compares only with what there was", () => {
    expect(change(3, 2)).toBe(0.5);
    expect(change(-1, -2)).toBe(0.5);
    expect(change(1, 0)).toBeNull();
    expect(change(null, 1)).toBeNull();
    expect(percent(-0.123)).toBe("−12.3 %");
    expect(percent(null)).toBe("–");
  });

  it.each([
    [[10, 9_000], [0, 13], [10]],
    [[-500], [-60, 0], [-500]],
    [[500], [], [500]],
    [[500], [0, 0], [500]],
  ])("let limits %j stretch the scale of %j by %j", (limits, values, stretching) => {
    expect(near(limits, values)).toEqual(stretching);
  });
});
