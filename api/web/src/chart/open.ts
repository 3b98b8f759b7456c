// The bucket that is not over: where it is, and how its line is drawn.

import type uPlot from "uplot";
import type { ChartProps, ChartSeries } from "./chart";
import { place } from "./line";
import type { Paint } from "./paint";

/** Whether a series is a line that leads into its last bucket. */
export function isJoined(one: ChartSeries | undefined): boolean {
  return one?.style === "line" || one?.style === "area";
}

/** The index of the first open bucket; null when none is. */
export function openIndex(props: ChartProps): number | null {
  const { openFrom, data } = props;
  if (openFrom === null || openFrom === undefined) return null;
  const index = place(data[0], openFrom);
  return index < data[0].length ? index : null;
}

/** Values of the open bucket: the scale must have room for them. */
export function openValues(props: ChartProps): number[] {
  const open = openIndex(props);
  if (open === null) return [];
  const rows = props.data.slice(1).filter((_, index) => props.series[index]?.hidden !== true);
  return rows.map((row) => row[open]).filter((value) => typeof value === "number");
}

/** Half the width of what stands for an open bucket that no line leads to. */
const DOT_PX = 2.5;

/** Dashes from the last whole bucket to the open one; a dot where there is none, as at a first point. */
export function drawOpenLines(chart: uPlot, props: ChartProps, colours: Paint): void {
  const open = openIndex(props);
  if (open === null) return;
  const [starts] = props.data;
  const { ctx } = chart;
  const { left, top, width, height } = chart.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  props.series.forEach((one, index) => {
    const row = props.data[index + 1];
    const from = row?.[open - 1];
    const to = row?.[open];
    if (!isJoined(one) || one.hidden || typeof to !== "number") return;
    const colour = colours.series[one.colour % colours.series.length] ?? colours.accent;
    const [x, y] = [chart.valToPos(starts[open] ?? 0, "x", true), chart.valToPos(to, "y", true)];
    ctx.beginPath();
    if (typeof from === "number") {
      ctx.strokeStyle = colour;
      ctx.moveTo(chart.valToPos(starts[open - 1] ?? 0, "x", true), chart.valToPos(from, "y", true));
      ctx.lineTo(x, y);
      ctx.stroke();
    } else {
      ctx.fillStyle = colour;
      // Whole, also where its bucket has just begun at the edge.
      ctx.arc(Math.min(x, left + width - DOT_PX * devicePixelRatio), y, DOT_PX * devicePixelRatio, 0, 2 * Math.PI);
      ctx.fill();
    }
  });
  ctx.restore();
}
