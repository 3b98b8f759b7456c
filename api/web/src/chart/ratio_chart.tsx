// The chart of a ratio: one stat by another, computed where alerts are judged.

import { Trouble } from "../ui/parts";
import { Chart, type Mark } from "./chart";
import { lineOf, openStart, together } from "./line";
import { bounds, tierFor, type Range } from "./ranges";
import { timesOf, useQuery } from "./use_query";

/** What rules judge and queries do not tell. */
const UNTOLD: readonly string[] = ["range"];

interface RatioChartProps {
  /** What is divided, and what divides it. */
  stats: readonly string[];
  scale: string;
  aggregate: string;
  range: Range;
  resolution: string | null;
  marks: readonly Mark[];
  thresholds: readonly number[];
  height: number;
  onZoom?: (from: number, to: number) => void;
}

export function RatioChart(props: RatioChartProps) {
  if (UNTOLD.includes(props.aggregate)) return <p class="hint">The ratio of their {props.aggregate} is judged, but not drawn.</p>;
  return <Drawn {...props} />;
}

function Drawn(props: RatioChartProps) {
  const { stats, scale, range } = props;
  const question = {
    stat: stats,
    expr: `a / b * ${scale}`,
    agg: props.aggregate,
    resolution: props.resolution ?? tierFor(range, Date.now() / 1000),
    ...timesOf(range),
  };
  const found = useQuery(question, range);
  if (found.problem) return <Trouble problem={found.problem} again={found.again} />;
  const [line] = found.value?.series ?? [];
  if (!found.value || !line) return <div class="chart-waiting" style={{ minHeight: `${props.height}px` }} aria-busy="true" />;
  const { step, resolution } = found.value;
  const nowS = Date.now() / 1000;
  const label = stats.join(" / ");
  return (
    <figure class="stat-chart">
      <figcaption>
        <span class="legend">
          <span>
            <i class="swatch series-1" />
            {label}
          </span>
        </span>
        <span class="figure muted">{resolution} steps</span>
      </figcaption>
      <Chart
        label={label}
        data={together([lineOf(line.columns, "value")])}
        series={[{ label, colour: 0, style: "line" }]}
        bounds={bounds(range, nowS)}
        step={step}
        height={props.height}
        unit={scale === "100" ? "%" : null}
        openFrom={openStart(line.columns.t, step, nowS)}
        marks={props.marks}
        thresholds={props.thresholds}
        {...(props.onZoom ? { onZoom: props.onZoom } : {})}
      />
    </figure>
  );
}
