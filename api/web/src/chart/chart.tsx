// A chart over time: uPlot, dressed. What it draws comes in; what a reader does with it goes out.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { Maybe } from "../api/models";
import { painted, zone } from "../settings";
import { short } from "./numbers";
import { isJoined, openIndex } from "./open";
import { optionsOf } from "./options";
import { paint } from "./paint";
import { moment } from "./times";

export type Style = "line" | "area" | "bars" | "dashed" | "band-low" | "band-high";

export interface ChartSeries {
  label: string;
  /** Index of its colour. */
  colour: number;
  style: Style;
  hidden?: boolean;
  unit?: string | null;
}

export interface Mark {
  id: string;
  at: number;
  until?: number | null;
  label: string;
  kind: "note" | "alarm";
}

export interface ChartProps {
  label: string;
  data: readonly [readonly number[], ...(readonly (Maybe | undefined)[])[]];
  series: readonly ChartSeries[];
  bounds: readonly [number, number];
  step: number;
  height: number;
  unit: string | null;
  openFrom?: number | null;
  marks?: readonly Mark[];
  thresholds?: readonly number[];
  logarithmic?: boolean;
  fromZero?: boolean;
  sync?: string;
  compact?: boolean;
  onZoom?: (from: number, to: number) => void;
  /** A click at a moment; marks within `reachS` of it are meant by it. */
  onPick?: (atS: number, reachS: number) => void;
}

export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [cursor, setCursor] = useState<{ index: number; left: number } | null>(null);
  const made = [
    painted.value,
    zone.value,
    props.series.map((one) => `${one.colour}${one.style}${one.label}`).join(),
    props.logarithmic,
    props.unit,
    props.compact,
    props.height,
  ].join("|");

  useEffect(() => {
    const host = box.current;
    if (!host) return;
    const options = optionsOf(() => latest.current, paint(), host.clientWidth, setCursor);
    const chart = new uPlot(options, aligned(latest.current), host);
    plot.current = chart;
    const observer = new ResizeObserver(() => {
      if (host.clientWidth > 0) chart.setSize({ width: host.clientWidth, height: latest.current.height });
    });
    observer.observe(host);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [made]);

  useEffect(() => {
    const chart = plot.current;
    if (!chart) return;
    chart.batch(() => {
      props.series.forEach((one, index) => {
        const shown = one.hidden !== true;
        if (chart.series[index + 1]?.show !== shown) chart.setSeries(index + 1, { show: shown });
      });
      chart.setData(aligned(props), false);
      chart.setScale("x", { min: props.bounds[0], max: props.bounds[1] });
    });
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const chart = plot.current;
    const move = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!chart || move === 0) return;
    event.preventDefault();
    const count = props.data[0].length;
    const index = Math.max(0, Math.min(count - 1, (chart.cursor.idx ?? count) + move));
    const left = chart.valToPos(props.data[0][index] ?? 0, "x");
    chart.setCursor({ left, top: props.height / 3 });
  };

  return (
    <div
      class={`chart${props.compact ? " chart-compact" : ""}`}
      tabIndex={0}
      role="group"
      aria-roledescription="chart"
      aria-label={spoken(props)}
      onKeyDown={onKeyDown}
    >
      <div ref={box} class="chart-canvas" />
      {cursor && <Readout {...props} index={cursor.index} left={cursor.left} wide={box.current?.clientWidth ?? 0} />}
    </div>
  );
}

function Readout(props: ChartProps & { index: number; left: number; wide: number }) {
  const at = props.data[0][props.index];
  if (at === undefined) return null;
  const right = props.left > props.wide / 2;
  const open = props.openFrom !== null && props.openFrom !== undefined && at >= props.openFrom;
  const near = (props.marks ?? []).filter((mark) => Math.abs(mark.at - at) < props.step);
  return (
    <div class="readout" style={right ? { right: `${props.wide - props.left + 12}px` } : { left: `${props.left + 12}px` }}>
      <div class="readout-time">
        {moment(at, props.step)}
        {open && <span class="tag">so far</span>}
      </div>
      {props.series.map((one, index) =>
        one.hidden ? null : (
          <div class="readout-row" key={index}>
            <i class={swatch(one)} />
            <span class="readout-label">{one.label}</span>
            <b class="number">{short(props.data[index + 1]?.[props.index], one.unit ?? props.unit)}</b>
          </div>
        ),
      )}
      {near.map((mark) => (
        <div class="readout-mark" key={mark.id}>
          {mark.label}
        </div>
      ))}
    </div>
  );
}

function swatch(one: ChartSeries): string {
  const form = one.style === "dashed" ? " swatch-dashed" : one.style.startsWith("band") ? " swatch-band" : "";
  return `swatch series-${one.colour + 1}${form}`;
}

/** What uPlot draws itself: not the bucket that is still open, whose line is dashed. */
function aligned(props: ChartProps): uPlot.AlignedData {
  const [starts, ...rows] = props.data;
  const open = openIndex(props);
  const shown = rows.map((row, index) =>
    open === null || !isJoined(props.series[index]) ? row : row.map((value, at) => (at >= open ? null : value)),
  );
  return [starts, ...shown] as unknown as uPlot.AlignedData;
}

/** The chart in a sentence, for whoever does not see it. */
function spoken(props: ChartProps): string {
  const rows = props.series.map((one, index) => {
    const known = (props.data[index + 1] ?? []).filter((value) => typeof value === "number");
    const last = known.at(-1);
    if (last === undefined) return `${one.label}: no data`;
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return `${one.label}: last ${short(last)}, from ${short(low)} to ${short(high)}`;
  });
  const limits = (props.thresholds ?? []).map((limit) => ` Limit ${short(limit)}.`);
  const marks = (props.marks ?? []).filter((mark) => (mark.until ?? mark.at) >= props.bounds[0] && mark.at <= props.bounds[1]);
  const alarms = marks.filter((mark) => mark.kind === "alarm").length;
  const fired = alarms === 0 ? "" : ` An alert fired ${alarms === 1 ? "once" : `${alarms} times`}.`;
  const notes = marks.filter((mark) => mark.kind === "note").map((mark) => ` ${mark.label} at ${moment(mark.at, props.step)}.`);
  return `${props.label}. ${rows.join("; ")}.${limits.join("")}${fired}${notes.join("")} Arrow keys read single values.`;
}
