import { describe, expect, it } from "vitest";
import { advance, nothing, openStart, place, put, together, type Line } from "../src/chart/line";

const line = (t: number[], values: (number | null)[]): Line => ({ t, values });

describe("a line", () => {
  it("takes the newest value of a bucket, however often it is told", () => {
    const one = line([0, 10, 20], [1, 2, 3]);
    put(one, 10, 7, 10, 0);
    put(one, 10, 7, 10, 0);
    expect(one).toEqual(line([0, 10, 20], [1, 7, 3]));
  });

  it("fills what lies between with nothing: zero of a counter, a gap of a value", () => {
    const counter = line([0], [1]);
    put(counter, 30, 4, 10, nothing("counter", "value"));
    expect(counter).toEqual(line([0, 10, 20, 30], [1, 0, 0, 4]));
    const value = line([0], [1]);
    put(value, 20, 4, 10, nothing("value", "avg"));
    expect(value).toEqual(line([0, 10, 20], [1, null, 4]));
  });

  it("takes a late bucket that it did not have", () => {
    const one = line([0, 20], [1, 3]);
    put(one, 10, 2, 10, 0);
    expect(one).toEqual(line([0, 10, 20], [1, 2, 3]));
  });

  it("loses what is too old and gains what is new as time passes", () => {
    const one = line([0, 10, 20], [1, 2, 3]);
    advance(one, 15, 50, 10, 0);
    expect(one).toEqual(line([10, 20, 30, 40], [2, 3, 0, 0]));
  });

  it("has an open bucket at its end as long as that is not over", () => {
    expect(openStart([0, 10], 10, 19)).toBe(10);
    expect(openStart([0, 10], 10, 20)).toBeNull();
    expect(openStart([], 10, 20)).toBeNull();
  });

  it("does not grow without limit after a long sleep", () => {
    const one = line([0], [1]);
    advance(one, 0, 1e9, 1, 0);
    expect(one.t).toEqual([0]);
  });

  it("finds its place", () => {
    expect([-1, 0, 5, 10, 11].map((at) => place([0, 10], at))).toEqual([0, 0, 1, 1, 2]);
  });

  it("stands beside others with other starts", () => {
    expect(together([line([0, 10], [1, 2]), line([10, 20], [3, null])])).toEqual([
      [0, 10, 20],
      [1, 2, undefined],
      [undefined, 3, null],
    ]);
  });
});
