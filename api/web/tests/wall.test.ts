import { describe, expect, it } from "vitest";
import { unwall, wall } from "../src/chart/wall";

const at = (text: string) => Date.parse(text);

describe("the wall clock of a zone", () => {
  it.each([
    ["2026-10-24T22:30:00Z", "Europe/Paris", "2026-10-25T00:30"],
    ["2026-10-25T12:00:00Z", "Europe/Paris", "2026-10-25T13:00"],
    ["2026-03-29T01:30:00Z", "Europe/Paris", "2026-03-29T03:30"],
    ["2026-11-26T18:15:00Z", "Asia/Kathmandu", "2026-11-27T00:00"],
    ["2026-11-26T02:00:00Z", "UTC", "2026-11-26T02:00"],
  ])("shows %s in %s as %s, and back", (moment, zone, shown) => {
    expect(wall(at(moment), zone)).toBe(shown);
    expect(unwall(shown, zone)).toBe(at(moment));
  });

  it("is no moment where nothing was written", () => {
    expect(unwall("", "UTC")).toBeNaN();
  });
});
