import { describe, expect, it } from "vitest";
import { sparkPath } from "../src/chart/spark";
import { EventReader } from "../src/live/events";

const TEXT = 'retry: 1000\n: welcome\n\nevent: snapshot\nid: c1\ndata: {"a":1}\n\n: still here\n\nevent: change\ndata: x\ndata: y\n\n';

describe("server-sent events", () => {
  it("are the same however they are cut", () => {
    for (let size = 1; size <= TEXT.length; size++) {
      const reader = new EventReader();
      const found = [];
      for (let at = 0; at < TEXT.length; at += size) found.push(...reader.feed(TEXT.slice(at, at + size)));
      expect(found).toEqual([
        { name: "snapshot", id: "c1", data: '{"a":1}' },
        { name: "change", id: null, data: "x\ny" },
      ]);
    }
  });
});

describe("a sparkline", () => {
  it("has a gap where nothing is known", () => {
    expect(sparkPath([1, null, 2], 100, 20).line.match(/M/g)).toHaveLength(2);
    expect(sparkPath([null], 100, 20)).toEqual({ line: "", area: "" });
  });
});
