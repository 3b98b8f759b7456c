import { describe, expect, it } from "vitest";
import { limitsOf, withName } from "../src/board/model";

describe("a panel", () => {
  it.each([
    ["500, 800", [500, 800]],
    ["0", [0]],
    ["-5 0,1e3,", [-5, 0, 1000]],
    ["high", []],
    ["", []],
  ])("has the limits that %j says", (text, limits) => {
    expect(limitsOf(text)).toEqual(limits);
  });

  it("takes a name once, and none when it is full", () => {
    expect(withName(["a"], " b ")).toEqual(["a", "b"]);
    expect(withName(["a"], "a")).toEqual(["a"]);
    expect(withName(["a"], " ")).toEqual(["a"]);
    const full = Array.from({ length: 20 }, (_, index) => `s${index}`);
    expect(withName(full, "more")).toBe(full);
  });
});
