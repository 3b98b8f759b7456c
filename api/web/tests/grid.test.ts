import { describe, expect, it } from "vitest";
import { arranged, COLUMNS, fitted, overlap, room, settled } from "../src/board/grid";
import { newBoard, newPanel, optionsOf, patternsOf } from "../src/board/model";

const panel = (id: string, x: number, y: number, w: number, h: number) => ({ id, place: { x, y, w, h } });

function valid(panels: ReturnType<typeof panel>[]): void {
  for (const one of panels) {
    expect(one.place.x).toBeGreaterThanOrEqual(0);
    expect(one.place.x + one.place.w).toBeLessThanOrEqual(COLUMNS);
    for (const other of panels) if (one !== other) expect(overlap(one.place, other.place)).toBe(false);
  }
}

describe("the grid", () => {
  it("makes room for a panel that is moved over another", () => {
    const moved = arranged([panel("a", 0, 0, 12, 4), panel("b", 0, 4, 12, 4)], "b", { x: 0, y: 0, w: 12, h: 4 });
    expect(moved.map((one) => one.place.y)).toEqual([4, 0]);
    valid(moved);
  });

  it("closes up what was left", () => {
    expect(settled([panel("a", 0, 9, 6, 2)])[0]?.place.y).toBe(0);
  });

  it("never lets panels overlap, whatever is done", () => {
    let seed = 7;
    const next = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    let panels = Array.from({ length: 12 }, (_, index) => panel(String(index), 0, index * 3, 6, 3));
    for (let turn = 0; turn < 300; turn++) {
      const place = { x: next(30) - 3, y: next(20), w: next(30), h: next(12) };
      panels = arranged(panels, String(next(12)), place);
      valid(panels);
    }
  });

  it("keeps a place within it", () => {
    expect(fitted({ x: 30, y: -4, w: 99, h: 0 })).toEqual({ x: 0, y: 0, w: 24, h: 2 });
    expect(room([panel("a", 0, 0, 20, 4)], 8, 4)).toEqual({ x: 0, y: 4, w: 8, h: 4 });
  });
});

describe("variables", () => {
  it("are what a star stands for", () => {
    expect(optionsOf("web.*.hits", ["web.eu.hits", "web.us.hits", "web.hits", "db.eu.hits"])).toEqual(["eu", "us"]);
  });

  it("are put in by their longest name first", () => {
    const board = {
      ...newBoard("b"),
      variables: [
        { name: "h", match: "*", value: "x" },
        { name: "host", match: "*", value: "y" },
      ],
    };
    const one = newPanel("line", ["web.$host.$h"], { x: 0, y: 0, w: 4, h: 4 });
    expect(patternsOf(board, one, new Map())).toEqual(["web.y.x"]);
    expect(patternsOf(board, one, new Map([["host", "z"]]))).toEqual(["web.z.x"]);
  });
});
