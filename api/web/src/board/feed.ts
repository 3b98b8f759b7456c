// What one panel shows: asked for once, moved by the live stream where that can be, else again.

import { call } from "../api/client";
import type { Kind, LivePoint, Query } from "../api/models";
import { asProblem } from "../api/problem";
import { advance, isTold, nothing, put, told } from "../chart/line";
import { bounds, isRolling, isTier, tierFor, type Range } from "../chart/ranges";
import type { Wanted } from "../chart/series";
import { follow } from "../live/hub";
import { zone } from "../settings";
import type { Spread } from "./cells";
import type { Panel, PanelKind, Shown, ShownSeries } from "./model";

/** New stats that fit the patterns join after so long at most. */
const JOIN_MS = 30_000;
const TICK_MS = 1_000;

/** What these show is a total of the whole range, which live buckets do not tell. */
const SUMMED: ReadonlySet<PanelKind> = new Set(["number", "gauge", "table"]);

/** Buckets of a heat map of values, about. */
const SPREAD_POINTS = 120;

export class Feed {
  shown: Shown | null = null;
  private stop = new AbortController();
  private ends: (() => void)[] = [];
  private timers: ReturnType<typeof setInterval>[] = [];
  private frame = 0;
  private followed = "";
  private ids: string[] = [];
  private readonly recent = new Map<string, Map<number, LivePoint>>();

  constructor(
    private readonly panel: Panel,
    private readonly patterns: readonly string[],
    private readonly range: Range,
    refreshS: number,
    private readonly changed: () => void,
  ) {
    const again = this.direct && !SUMMED.has(panel.kind) ? Math.max(JOIN_MS, refreshS * 1000) : refreshS * 1000;
    if (isRolling(range)) {
      this.timers.push(setInterval(() => void this.load(), again), setInterval(() => this.tick(), TICK_MS));
    }
    void this.load();
  }

  close(): void {
    this.stop.abort();
    for (const end of this.ends) end();
    for (const timer of this.timers) clearInterval(timer);
    cancelAnimationFrame(this.frame);
  }

  /** Whether live buckets are what is drawn. */
  private get direct(): boolean {
    const { kind, group, expr, agg } = this.panel;
    return kind !== "distribution" && group === null && expr === null && isTold(agg as Wanted);
  }

  private async load(): Promise<void> {
    const nowS = Date.now() / 1000;
    const [from, to] = bounds(this.range, nowS);
    try {
      if (this.panel.kind === "distribution") {
        this.shown = await this.spread(nowS);
        this.changed();
        return;
      }
      const found = await this.ask(isRolling(this.range) ? `-${this.range.last}s` : from, isRolling(this.range) ? null : to);
      const before = this.panel.kind === "number" ? await this.ask(from - (to - from), from) : null;
      const series = found.series.map((one) => seriesOf(one, before));
      this.shown = { step: found.step, series, problem: null };
      this.listen(found);
      this.overlay();
    } catch (error) {
      if (this.stop.signal.aborted) return;
      this.shown = { step: this.shown?.step ?? 0, series: [], problem: asProblem(error).detail };
    }
    this.changed();
  }

  private ask(from: string | number, to: number | null): Promise<Query> {
    const { agg, group, expr } = this.panel;
    const params = {
      match: this.patterns,
      from,
      to,
      resolution: tierFor(this.range, Date.now() / 1000, this.panel.kind === "number" ? spanOf(this.range) : 0),
      agg: agg === "value" ? null : agg,
      group,
      expr,
      tz: zone.value,
      format: "columns",
    };
    return call<Query>("GET", "/v1/query", { params, signal: this.stop.signal });
  }

  private async spread(nowS: number): Promise<Shown> {
    const [from, to] = bounds(this.range, nowS);
    const times = isRolling(this.range) ? { from: `-${this.range.last}s` } : { from, to };
    const params = { match: this.patterns, ...times, points: SPREAD_POINTS, tz: zone.value };
    const found = await call<Spread & { step: number }>("GET", "/v1/distribution", { params, signal: this.stop.signal });
    return { step: found.step, series: [], problem: null, spread: found };
  }

  private listen(found: Query): void {
    if (!this.direct || !isRolling(this.range) || !isTier(found.resolution)) return;
    const ids = found.series.map((one) => one.stat?.id ?? "").filter((id) => id !== "");
    const key = `${found.resolution} ${ids.join()}`;
    if (key === this.followed) return;
    this.followed = key;
    for (const end of this.ends) end();
    this.recent.clear();
    const tier = found.resolution;
    this.ends = ids.map((id) =>
      follow(id, tier, {
        points: (points) => this.heard(id, points),
        reload: () => void this.load(),
      }),
    );
    this.ids = ids;
    // Listened first, loaded then: what lies between the two is not missed.
    void this.load();
  }

  private heard(id: string, points: readonly LivePoint[]): void {
    const known = this.recent.get(id) ?? new Map<number, LivePoint>();
    for (const point of points) known.set(point.t, point);
    this.recent.set(id, known);
    this.overlay();
    this.soon();
  }

  private overlay(): void {
    const shown = this.shown;
    if (!shown) return;
    this.ids.forEach((id, index) => {
      const series = shown.series[index];
      if (!series) return;
      for (const point of this.recent.get(id)?.values() ?? []) this.lay(series, point, shown.step);
    });
  }

  private lay(series: ShownSeries, point: LivePoint, step: number): void {
    const first = series.t[0];
    if (first !== undefined && point.t < first) return;
    const agg = this.panel.agg as Wanted;
    put(series, point.t, told(point, agg, step), step, nothing(kindOf(series), agg));
  }

  private tick(): void {
    const shown = this.shown;
    if (!shown || !this.direct || shown.step === 0) return;
    const nowS = Date.now() / 1000;
    const [from] = bounds(this.range, nowS);
    const until = Math.floor(nowS / shown.step) * shown.step;
    for (const one of shown.series) advance(one, from, until, shown.step, nothing(kindOf(one), this.panel.agg as Wanted));
    this.soon();
  }

  private soon(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.changed();
    });
  }
}

function spanOf(range: Range): number {
  return isRolling(range) ? range.last : range.to - range.from;
}

function kindOf(series: ShownSeries): Kind {
  return series.type ?? "value";
}

function seriesOf(one: Query["series"][number], before: Query | null): ShownSeries {
  const type = one.stat?.type ?? null;
  const earlier = before?.series.find((other) => other.name === one.name);
  return {
    name: one.name,
    unit: one.stat?.unit ?? null,
    type,
    total: totalOf(one, type),
    before: earlier ? totalOf(earlier, type) : null,
    t: [...one.columns.t],
    values: [...one.columns.value],
  };
}

/** What a series comes to: its sum or its average, or its newest value where it is computed. */
export function totalOf(one: Query["series"][number], type: Kind | null): number | null {
  if (one.summary) return type === "counter" ? one.summary.sum : one.summary.avg;
  return one.columns.value.findLast((value) => value !== null) ?? null;
}
