// uPlot's options for a chart, with the plug-ins that draw what uPlot does not know.

import uPlot from "uplot";
import { zone } from "../settings";
import type { ChartProps, ChartSeries } from "./chart";
import { near, short } from "./numbers";
import { drawOpenLines, openValues } from "./open";
import { thin, type Paint } from "./paint";
import { tickLabels } from "./times";

/** Pixels that a drag must span to be a zoom. */
const DRAG_MIN = 8;

/** Pixels beside a mark that a click still means it. */
const PICK_PX = 6;

type SetCursor = (cursor: { index: number; left: number } | null) => void;

export function optionsOf(
  props: () => ChartProps,
  colours: Paint,
  width: number,
  setCursor: SetCursor,
): uPlot.Options {
  const first = props();
  const compact = first.compact === true;
  return {
    width: Math.max(40, width),
    height: first.height,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone.peek()),
    ms: 1e-3,
    padding: compact ? [6, 4, 0, 0] : [10, 8, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: true, y: false, setScale: false, dist: DRAG_MIN },
      points: { size: 7, width: 2 },
      ...(first.sync === undefined ? {} : { sync: { key: first.sync, setSeries: false } }),
    },
    scales: {
      x: { time: true, auto: false, min: first.bounds[0], max: first.bounds[1] },
      y: {
        distr: first.logarithmic === true ? 3 : 1,
        range: (_, low, high) => yRange(low, high, props()),
      },
    },
    axes: axes(colours, compact, first.unit),
    series: [{}, ...first.series.map((one) => seriesOf(one, colours))],
    bands: bands(first, colours),
    hooks: {
      setCursor: [
        (chart) => {
          const index = chart.cursor.idx;
          const left = chart.cursor.left ?? -1;
          setCursor(index === null || index === undefined || left < 0 ? null : { index, left: left + chart.bbox.left / devicePixelRatio });
        },
      ],
      setSelect: [(chart) => select(chart, props())],
      drawClear: [(chart) => drawOpen(chart, props(), colours)],
      draw: [(chart) => drawOpenLines(chart, props(), colours), (chart) => drawMarks(chart, props(), colours)],
      ready: [(chart) => pick(chart, props)],
    },
  };
}

function seriesOf(one: ChartSeries, colours: Paint): uPlot.Series {
  const colour = colours.series[one.colour % colours.series.length] ?? colours.accent;
  const common: uPlot.Series = {
    label: one.label,
    stroke: colour,
    width: 1.5,
    spanGaps: false,
    points: { show: () => false, filter: lonely, size: 4, fill: colour },
    show: one.hidden !== true,
  };
  switch (one.style) {
    case "area":
      return { ...common, fill: fade(colour) };
    case "bars":
      return {
        ...common,
        width: 0,
        fill: thin(colour, 0.75),
        paths: uPlot.paths.bars?.({ size: [0.8, 40], align: 1 }) ?? null,
        points: { show: false },
      } as uPlot.Series;
    case "dashed":
      return { ...common, stroke: colours.muted, dash: [5, 4], width: 1.25, points: { show: false } };
    case "band-low":
    case "band-high":
      return { ...common, stroke: thin(colour, 0), width: 0, points: { show: false } };
    default:
      return common;
  }
}

/** Points that no line touches are drawn as dots; else they would not be seen. */
function lonely(chart: uPlot, index: number): number[] | null {
  const values = chart.data[index] ?? [];
  const [first, last] = chart.series[0]?.idxs ?? [0, values.length - 1];
  const alone: number[] = [];
  for (let at = first; at <= last; at++) {
    if (typeof values[at] !== "number") continue;
    if (typeof values[at - 1] !== "number" && typeof values[at + 1] !== "number") alone.push(at);
  }
  return alone.length > 0 ? alone : null;
}

function fade(colour: string): uPlot.Series.Fill {
  return (chart) => {
    const { top, height } = chart.bbox;
    if (!Number.isFinite(top) || height <= 0) return thin(colour, 0.12);
    const gradient = chart.ctx.createLinearGradient(0, top, 0, top + height);
    gradient.addColorStop(0, thin(colour, 0.24));
    gradient.addColorStop(1, thin(colour, 0.02));
    return gradient;
  };
}

function bands(props: ChartProps, colours: Paint): uPlot.Band[] {
  const low = props.series.findIndex((one) => one.style === "band-low") + 1;
  const high = props.series.findIndex((one) => one.style === "band-high") + 1;
  if (low === 0 || high === 0) return [];
  return [{ series: [high, low], fill: thin(colours.series[0] ?? colours.accent, 0.14) }];
}

function axes(colours: Paint, compact: boolean, unit: string | null): uPlot.Axis[] {
  const common: uPlot.Axis = {
    stroke: colours.text,
    font: colours.font,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
    gap: 6,
  };
  return [
    { ...common, grid: { show: false }, space: compact ? 70 : 80, size: 26, values: (_, splits, __, ___, step) => tickLabels(splits, step) },
    {
      ...common,
      size: (_, values: string[] | null) => 16 + Math.max(3, ...(values ?? []).map((text) => text.length)) * 6.5,
      space: compact ? 30 : 42,
      values: (_, splits) => splits.map((value) => short(value, unit === "%" || unit === "B" ? unit : null)),
    },
  ];
}

function yRange(low: number | null, high: number | null, props: ChartProps): [number, number] {
  const open = openValues(props);
  const values = [...(low === null ? [] : [low]), ...(high === null ? [] : [high]), ...open];
  const limits = [...near(props.thresholds ?? [], values), ...open];
  let min = Math.min(low ?? 0, ...limits);
  let max = Math.max(high ?? 1, ...limits);
  if (props.logarithmic === true) return [Math.max(min, 1e-3), Math.max(max, 1)];
  if (min === max) [min, max] = min === 0 ? [0, 1] : [min - Math.abs(min) / 2, max + Math.abs(max) / 2];
  const room = (max - min) * 0.08;
  // What counts from nothing begins at nothing.
  if (min >= 0 && (props.fromZero === true || min < max * 0.4)) return [0, max + room];
  return [min - room, max + room];
}

function select(chart: uPlot, props: ChartProps): void {
  const { left, width } = chart.select;
  if (width >= DRAG_MIN && props.onZoom) {
    props.onZoom(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
  }
  if (width > 0) chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
}

/** The last bucket is not over: its ground says that its value will still change. */
function drawOpen(chart: uPlot, props: ChartProps, colours: Paint): void {
  const from = props.openFrom;
  if (from === null || from === undefined) return;
  const { left, top, width, height } = chart.bbox;
  const x0 = Math.max(left, chart.valToPos(from - (props.step * 0.5), "x", true));
  const end = left + width;
  if (x0 >= end) return;
  const { ctx } = chart;
  ctx.save();
  ctx.fillStyle = thin(colours.text, 0.08);
  ctx.fillRect(x0, top, end - x0, height);
  ctx.restore();
}

function drawMarks(chart: uPlot, props: ChartProps, colours: Paint): void {
  const { ctx } = chart;
  const { left, top, width, height } = chart.bbox;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const mark of props.marks ?? []) {
    const x = chart.valToPos(mark.at, "x", true);
    const colour = mark.kind === "alarm" ? colours.alarm : colours.accent;
    if (mark.until) {
      const x0 = Math.max(left, x);
      const x1 = Math.min(left + width, chart.valToPos(mark.until, "x", true));
      ctx.fillStyle = thin(colour, 0.12);
      if (x1 > x0) ctx.fillRect(x0, top, Math.max(1, x1 - x0), height);
    }
    if (x < left || x > left + width) continue;
    ctx.strokeStyle = thin(colour, 0.8);
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
  }
  ctx.setLineDash([6, 4]);
  for (const limit of props.thresholds ?? []) {
    const y = chart.valToPos(limit, "y", true);
    ctx.strokeStyle = colours.alarm;
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
  }
  ctx.restore();
}

/** A plain click says a moment. */
function pick(chart: uPlot, props: () => ChartProps): void {
  let downX = 0;
  chart.over.addEventListener("mousedown", (event) => {
    downX = event.clientX;
  });
  chart.over.addEventListener("click", (event) => {
    if (Math.abs(event.clientX - downX) >= DRAG_MIN) return;
    const at = chart.posToVal(event.offsetX, "x");
    props().onPick?.(at, chart.posToVal(event.offsetX + PICK_PX, "x") - at);
  });
}
