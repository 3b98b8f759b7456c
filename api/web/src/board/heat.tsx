// Heat maps: stats below each other over time, and the values of stats by their size over time.

import { useState } from "preact/hooks";
import { short } from "../chart/numbers";
import { moment, tickLabels } from "../chart/times";
import { cellAt, shaded, SHADES, thinned, type Spread } from "./cells";
import type { Panel, ShownSeries } from "./model";

const ROWS_MAX = 50;
const HEAT_COLUMNS = 96;
const DAY_S = 86_400;

export function Heat({ panel, series }: { panel: Panel; series: readonly ShownSeries[] }) {
  // Each row by its own greatest: beside a busy stat a quiet one would have no shape.
  const rows = series.slice(0, ROWS_MAX).map((one) => {
    const cells = thinned(one.values, HEAT_COLUMNS);
    return { ...one, cells, high: Math.max(0, ...cells.map((cell) => cell ?? 0)) };
  });
  return (
    <div class="panel-heat" role="img" aria-label={`${panel.title || "Heat map"}: ${rows.map((row) => `${row.name} up to ${short(row.high)}`).join(", ")}`}>
      {rows.map((row) => (
        <div class="heat-row" key={row.name}>
          <span class="heat-name">{row.name}</span>
          <svg viewBox={`0 0 ${row.cells.length} 1`} preserveAspectRatio="none">
            {row.cells.map((cell, index) =>
              cell === null ? null : (
                <rect key={index} x={index} y={0} width={1.02} height={1} class="heat-cell" fill-opacity={0.06 + 0.94 * (cell / (row.high || 1))} />
              ),
            )}
          </svg>
        </div>
      ))}
    </div>
  );
}

interface SpreadProps {
  panel: Panel;
  spread: Spread;
  step: number;
  bounds: readonly [number, number];
}

export function SpreadMap({ panel, spread, step, bounds }: SpreadProps) {
  const [pointed, setPointed] = useState<ReturnType<typeof cellAt>>(null);
  const { t, low, high } = spread;
  if (low.length === 0) return <p class="panel-problem">No value in this time.</p>;
  const unit = panel.unit;
  const [from, to] = bounds;
  // Beyond a day a clock alone would say the same at both ends.
  const ends = to - from > DAY_S ? [moment(from, step), moment(to, step)] : tickLabels([from, to], step);
  const range = `${short(low[0], unit)} to ${short(high.at(-1), unit)}`;
  const point = (event: PointerEvent) => {
    const { left, top, width, height } = (event.currentTarget as SVGElement).getBoundingClientRect();
    setPointed(cellAt(spread, from + ((event.clientX - left) / width) * (to - from), step, (event.clientY - top) / height));
  };
  return (
    <div class="panel-spread">
      <div class="spread-ends">
        <span class="number">{short(high.at(-1), unit)}</span>
        <span class="number">{short(low[0], unit)}</span>
      </div>
      <svg
        viewBox={`${(from - (t[0] ?? 0)) / step} 0 ${(to - from) / step} ${low.length}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${panel.title || "Values"}: from ${range}`}
        onPointerMove={point}
        onPointerLeave={() => setPointed(null)}
      >
        {shaded(spread).map((path, shade) => path !== "" && <path key={shade} d={path} class="heat-cell" fill-opacity={(shade + 1) / SHADES} />)}
      </svg>
      <div class="spread-times">
        {pointed ? (
          <span class="number">
            {moment(pointed.t, step)}: {pointed.count} × {short(pointed.low)} – {short(pointed.high, unit)}
          </span>
        ) : (
          <>
            <span class="number">{ends[0]}</span>
            <span class="number">{ends[1]}</span>
          </>
        )}
      </div>
    </div>
  );
}
