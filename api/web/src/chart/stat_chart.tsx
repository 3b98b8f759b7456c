// The chart of one stat: its aggregates, its own past beside it, its spread behind it.

import type { Stat, StatRef } from "../api/models";
import { Trouble } from "../ui/parts";
import { Chart, type ChartSeries, type Mark } from "./chart";
import { together, type Line } from "./line";
import { change, exact, percent, short } from "./numbers";
import { bounds, type Range } from "./ranges";
import type { Wanted } from "./series";
import { useSeries } from "./use_series";

export interface StatChartProps {
  stat: Stat | StatRef;
  range: Range;
  resolution: string | null;
  aggregates: readonly Wanted[];
  compare: string | null;
  marks?: readonly Mark[];
  thresholds?: readonly number[];
  height: number;
  onZoom?: (from: number, to: number) => void;
  /** A click at a moment; marks within `reachS` of it are meant by it. */
  onPick?: (atS: number, reachS: number) => void;
}

export function StatChart(props: StatChartProps) {
  const { stat, aggregates } = props;
  const alone = aggregates.length === 1 && (aggregates[0] === "value" || aggregates[0] === "avg");
  const banded = alone && stat.type === "value";
  const asked: Wanted[] = banded ? [...aggregates, "min", "max"] : [...aggregates];
  const { drawn, problem, reload } = useSeries({
    stat: stat.id,
    range: props.range,
    resolution: props.resolution,
    aggregates: asked,
    compare: props.compare,
    live: true,
  });
  if (problem) return <Trouble problem={problem} again={reload} />;
  const unit = stat.unit ?? null;
  const height = { minHeight: `${props.height}px` };
  if (!drawn) return <div class="chart-waiting" style={height} aria-busy="true" />;
  const { lines, series } = dressed(aggregates, drawn.lines, drawn.compare, banded, props.compare, stat.type);
  const summary = drawn.data.summary;
  const total = stat.type === "counter" ? summary.sum : summary.avg;
  const before = drawn.data.compare?.summary;
  const earlier = before ? (stat.type === "counter" ? before.sum : before.avg) : null;
  return (
    <figure class="stat-chart">
      <figcaption>
        <span class="figure">
          <b class="number" title={exact(total, unit)}>
            {short(total, unit)}
          </b>{" "}
          {stat.type === "counter" ? "in all" : "on average"}
        </span>
        {before && (
          <span class="figure muted">
            {percent(change(total, earlier))} against {props.compare} before
          </span>
        )}
        <span class="legend">
          {series
            .filter((one) => !one.style.startsWith("band"))
            .map((one) => (
              <span key={one.label}>
                <i class={`swatch series-${one.colour + 1}${one.style === "dashed" ? " swatch-dashed" : ""}`} />
                {one.label}
              </span>
            ))}
          {banded && (
            <span>
              <i class="swatch swatch-band" />
              min–max
            </span>
          )}
        </span>
        <span class="figure muted">
          {drawn.data.resolution} steps{drawn.data.approximate && ", approximate"}
        </span>
      </figcaption>
      <Chart
        label={stat.name}
        data={together(lines)}
        series={series}
        bounds={bounds(props.range, Date.now() / 1000)}
        step={drawn.data.step}
        height={props.height}
        unit={unit}
        openFrom={drawn.openFrom}
        marks={props.marks ?? []}
        thresholds={props.thresholds ?? []}
        fromZero={stat.type === "counter"}
        {...(props.onZoom ? { onZoom: props.onZoom } : {})}
        {...(props.onPick ? { onPick: props.onPick } : {})}
      />
    </figure>
  );
}

function dressed(
  aggregates: readonly Wanted[],
  drawn: readonly Line[],
  compare: Line | null,
  banded: boolean,
  shift: string | null,
  type: string,
): { lines: Line[]; series: ChartSeries[] } {
  const lines = [...drawn];
  const series: ChartSeries[] = aggregates.map((name, index) => ({
    label: name === "value" ? (type === "counter" ? "sum" : "avg") : name,
    colour: index,
    style: type === "counter" && aggregates.length === 1 ? "area" : "line",
  }));
  if (banded) series.push({ label: "min", colour: 0, style: "band-low" }, { label: "max", colour: 0, style: "band-high" });
  if (compare) {
    lines.push(compare);
    series.push({ label: `${shift ?? ""} before`, colour: 7, style: "dashed" });
  }
  return { lines, series };
}
