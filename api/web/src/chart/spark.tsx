// A line of one row of a table: its shape, no axes.

import type { Maybe } from "../api/models";

const WIDTH = 120;
const HEIGHT = 24;

export function Spark({ values, label }: { values: readonly Maybe[]; label: string }) {
  const drawn = sparkPath(values, WIDTH, HEIGHT);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {drawn.area && <path class="spark-area" d={drawn.area} />}
      <path class="spark-line" d={drawn.line} />
    </svg>
  );
}

/** The paths of a sparkline; what is not known is a gap. */
export function sparkPath(values: readonly Maybe[], width: number, height: number): { line: string; area: string } {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { line: "", area: "" };
  const low = Math.min(0, ...known);
  const high = Math.max(...known);
  const x = (index: number) => round((index / Math.max(1, values.length - 1)) * width);
  const y = (value: number) => round(height - 2 - ((value - low) / (high - low || 1)) * (height - 4));
  let line = "";
  let area = "";
  let begin = -1;
  values.forEach((value, index) => {
    if (value === null) {
      if (begin >= 0) area += `L${x(index - 1)} ${height}L${x(begin)} ${height}Z`;
      begin = -1;
      return;
    }
    const step = `${begin < 0 ? "M" : "L"}${x(index)} ${y(value)}`;
    line += step;
    area += step;
    if (begin < 0) begin = index;
  });
  if (begin >= 0) area += `L${x(values.length - 1)} ${height}L${x(begin)} ${height}Z`;
  return { line, area };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
