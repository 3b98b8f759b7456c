// The data of one stat for a chart: asked for once, then kept true by the live stream.
//
// Law: it listens first and loads then, and lays what it heard over what it loaded; live buckets
// are absolute, so nothing is missed and nothing counts twice.

import { call } from "../api/client";
import type { Aggregate, Data, LivePoint } from "../api/models";
import { asProblem, type Problem } from "../api/problem";
import { follow } from "../live/hub";
import { zone } from "../settings";
import { advance, isTold, lineOf, nothing, openStart, put, told, type Line } from "./line";
import { bounds, isRolling, isTier, seconds, tierFor, type Range } from "./ranges";

export type Wanted = Aggregate | "value";

export interface Spec {
  stat: string;
  range: Range;
  resolution: string | null;
  aggregates: readonly Wanted[];
  compare: string | null;
  live: boolean;
}

export interface Drawn {
  data: Data;
  lines: Line[];
  compare: Line | null;
  /** Start of the last bucket while it is open. */
  openFrom: number | null;
}

/** Aggregates that live buckets do not tell are asked for again after so long. */
const ASK_AGAIN_MS = 5_000;
const TICK_MS = 1_000;
const RECENT_MAX = 20_000;

export class Series {
  drawn: Drawn | null = null;
  problem: Problem | null = null;
  /** How finely it is asked for and followed: always the same. */
  private resolution: string;
  private readonly stop = new AbortController();
  private readonly recent = new Map<number, LivePoint>();
  private unfollow: (() => void) | null = null;
  private frame = 0;
  private again: ReturnType<typeof setTimeout> | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(
    private readonly spec: Spec,
    private readonly changed: () => void,
  ) {
    const back = spec.compare === null ? 0 : (seconds(spec.compare) ?? 0);
    this.resolution = spec.resolution ?? tierFor(spec.range, Date.now() / 1000, back);
    this.follow();
    if (this.live) this.timer = setInterval(() => this.tick(), TICK_MS);
    void this.load();
  }

  private get live(): boolean {
    return this.spec.live && isRolling(this.spec.range);
  }

  private follow(): void {
    this.unfollow?.();
    this.unfollow = null;
    this.recent.clear();
    if (!this.live || !isTier(this.resolution)) return;
    const listener = { points: (points: readonly LivePoint[]) => this.heard(points), reload: () => void this.load() };
    this.unfollow = follow(this.spec.stat, this.resolution, listener);
  }

  close(): void {
    this.stop.abort();
    this.unfollow?.();
    cancelAnimationFrame(this.frame);
    if (this.again !== null) clearTimeout(this.again);
    if (this.timer !== null) clearInterval(this.timer);
  }

  async load(): Promise<void> {
    const { range, stat, compare } = this.spec;
    const params = {
      ...(isRolling(range)
        ? { from: `-${range.last}s` }
        : { from: String(Math.floor(range.from)), to: String(Math.ceil(range.to)) }),
      resolution: this.resolution,
      agg: this.spec.aggregates.filter((name) => name !== "value"),
      compare,
      tz: this.resolution === "1d" ? "UTC" : zone.value,
      format: "columns",
    };
    try {
      const path = `/v1/stats/${encodeURIComponent(stat)}/data`;
      const data = await call<Data>("GET", path, { params, signal: this.stop.signal });
      if (data.resolution !== this.resolution && this.live) {
        // The store has nothing as fine: listen to what it has, then load that.
        this.resolution = data.resolution;
        this.follow();
        await this.load(); return;
      }
      this.take(data);
    } catch (error) {
      if (this.stop.signal.aborted) return;
      this.problem = asProblem(error);
    }
    this.changed();
  }

  private take(data: Data): void {
    this.problem = null;
    const lines = this.spec.aggregates.map((name) => lineOf(data.columns, name));
    const compare = data.compare ? lineOf(data.compare.columns, this.spec.aggregates[0] ?? "value") : null;
    this.drawn = { data, lines, compare, openFrom: openOf(data) };
    for (const at of [...this.recent.keys()].sort((a, b) => a - b)) {
      const point = this.recent.get(at);
      if (point) this.lay(point);
    }
  }

  private heard(points: readonly LivePoint[]): void {
    for (const point of points) this.recent.set(point.t, point);
    if (this.recent.size > RECENT_MAX) this.recent.clear();
    if (this.drawn) for (const point of points) this.lay(point);
    if (!this.spec.aggregates.every(isTold)) {
      this.again ??= setTimeout(() => {
        this.again = null;
        void this.load();
      }, ASK_AGAIN_MS);
    }
    this.soon();
  }

  private lay(point: LivePoint): void {
    const drawn = this.drawn;
    if (!drawn || !isRolling(this.spec.range)) return;
    const first = drawn.lines[0]?.t[0];
    if (first !== undefined && point.t < first) return;
    const { step, stat } = drawn.data;
    this.spec.aggregates.forEach((name, index) => {
      const line = drawn.lines[index];
      if (!line) return;
      const value = isTold(name) ? told(point, name, step) : null;
      put(line, point.t, value, step, nothing(stat.type, name));
    });
    this.noteOpen(drawn);
  }

  private noteOpen(drawn: Drawn): void {
    drawn.openFrom = openStart(drawn.lines[0]?.t ?? [], drawn.data.step, Date.now() / 1000);
  }

  private tick(): void {
    const drawn = this.drawn;
    if (!drawn) return;
    const [from] = bounds(this.spec.range, Date.now() / 1000);
    const { step, stat } = drawn.data;
    const until = Math.floor(Date.now() / 1000 / step) * step;
    this.spec.aggregates.forEach((name, index) => {
      const line = drawn.lines[index];
      if (line) advance(line, from, until, step, nothing(stat.type, name));
    });
    this.noteOpen(drawn);
    this.soon();
  }

  private soon(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.changed();
    });
  }
}

function openOf(data: Data): number | null {
  const partial = data.columns.partial ?? [];
  const index = partial.lastIndexOf(true);
  return index < 0 ? null : (data.columns.t[index] ?? null);
}
