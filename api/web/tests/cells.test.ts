import { describe, expect, it } from "vitest";
import { cellAt, shaded, shadeOf, SHADES, thinned, type Spread } from "../src/board/cells";

const SPREAD: Spread = {
  t: [0, 60],
  low: [1, 2, 4],
  high: [2, 4, 8],
  counts: [
    [1, 0, 0],
    [0, 0, 128],
  ],
};

describe("a heat map of values", () => {
  it("draws each cell once, the greatest values on top", () => {
    const paths = shaded(SPREAD);
    expect(paths).toHaveLength(SHADES);
    expect(paths[0]).toBe("M0 2h1v1h-1z");
    expect(paths[SHADES - 1]).toBe("M1 0h1v1h-1z");
    expect(paths.join("")).toHaveLength(24);
  });

  it("shades few beside many", () => {
    expect([1, 2, 16, 128].map((count) => shadeOf(count, 128))).toEqual([0, 1, 4, 7]);
    expect(shadeOf(1, 1)).toBe(SHADES - 1);
  });

  it("says what is pointed at", () => {
    expect(cellAt(SPREAD, 75, 60, 0.1)).toEqual({ t: 60, low: 4, high: 8, count: 128 });
    expect(cellAt(SPREAD, 59, 60, 0.9)).toEqual({ t: 0, low: 1, high: 2, count: 1 });
    expect(cellAt(SPREAD, 120, 60, 0.5)).toBeNull();
    expect(cellAt(SPREAD, -1, 60, 0.5)).toBeNull();
    expect(cellAt(SPREAD, 30, 60, -0.1)).toBeNull();
  });

  it("has nothing to draw without values", () => {
    expect(shaded({ t: [0], low: [], high: [], counts: [[]] }).join("")).toBe("");
  });
});

describe("a row of cells", () => {
  it("keeps the greatest of what it joins, and gaps", () => {
    expect(thinned([1, 5, null, null], 2)).toEqual([5, null]);
    expect(thinned([1, 2], 96)).toEqual([1, 2]);
  });
});
