// A panel as it is seen: its frame, and inside what its kind draws.

import { Chart, type ChartSeries } from "../chart/chart";
import { openStart, together } from "../chart/line";
import { change, exact, percent, short } from "../chart/numbers";
import { Spark } from "../chart/spark";
import { Heat, SpreadMap } from "./heat";
import { stacked } from "./stack";
import { ROW_PX, type Panel, type Shown, type ShownSeries } from "./model";

export interface ViewProps {
  panel: Panel;
  shown: Shown | null;
  bounds: readonly [number, number];
  sync: string;
  onZoom?: (from: number, to: number) => void;
}

/** Pixels of a panel that are its frame and title. */
const FRAME_PX = 46;
const ROWS_MAX = 50;

export function PanelView(props: ViewProps) {
  const { panel, shown } = props;
  if (panel.kind === "text") return <p class="panel-text">{panel.text}</p>;
  // Those of one's own board are listed where it is drawn: links tell nothing of the account.
  if (panel.kind === "alerts") return <p class="panel-problem">Only whoever has logged in sees alerts.</p>;
  if (!shown) return <div aria-busy="true" />;
  if (shown.problem !== null) return <p class="panel-problem">{shown.problem}</p>;
  if (panel.kind === "distribution" && shown.spread) return <SpreadMap panel={panel} spread={shown.spread} step={shown.step} bounds={props.bounds} />;
  if (shown.series.length === 0) return <p class="panel-problem">No stat fits.</p>;
  switch (panel.kind) {
    case "number":
      return <NumberView panel={panel} series={shown.series} />;
    case "gauge":
      return <Gauge panel={panel} series={shown.series[0]} />;
    case "table":
      return <Table panel={panel} series={shown.series} />;
    case "heat":
      return <Heat panel={panel} series={shown.series} />;
    default:
      return <Plot {...props} shown={shown} />;
  }
}

function Plot({ panel, shown, bounds, sync, onZoom }: ViewProps & { shown: Shown }) {
  const drawn = panel.stacked ? stacked(shown.series) : shown.series;
  const many = shown.series.length > 1;
  const series: ChartSeries[] = drawn.map((one, index) => ({
    label: one.name,
    colour: index % 8,
    style: panel.kind === "line" ? "line" : panel.kind === "bars" ? "bars" : "area",
    unit: panel.unit ?? one.unit,
  }));
  const legend = many ? 22 : 0;
  const counted = shown.series.every((one) => one.type === "counter");
  return (
    <>
      <Chart
        label={panel.title || "Chart"}
        data={together(drawn)}
        series={series}
        bounds={bounds}
        step={shown.step}
        height={Math.max(60, panel.place.h * ROW_PX - FRAME_PX - legend)}
        unit={panel.unit ?? drawn[0]?.unit ?? null}
        openFrom={openStart(drawn[0]?.t ?? [], shown.step, Date.now() / 1000)}
        thresholds={panel.thresholds}
        logarithmic={panel.logarithmic}
        fromZero={counted}
        sync={sync}
        compact
        {...(onZoom ? { onZoom } : {})}
      />
      {many && (
        <div class="panel-legend">
          {shown.series.map((one, index) => (
            <span key={one.name}>
              <i class={`swatch series-${(index % 8) + 1}`} />
              {one.name}
            </span>
          ))}
        </div>
      )}
    </>
  );
}

function NumberView({ panel, series }: { panel: Panel; series: readonly ShownSeries[] }) {
  const one = series[0];
  if (!one) return null;
  const unit = panel.unit ?? one.unit;
  const share = change(one.total, one.before ?? null);
  return (
    <div class="panel-number">
      <b class="number" title={exact(one.total, unit)}>
        {short(one.total, unit)}
      </b>
      {share !== null && <span class="number muted">{percent(share)} against the time before</span>}
      <Spark values={one.values} label={`Course of ${one.name}`} />
    </div>
  );
}

const ARC = Math.PI * 40;

function Gauge({ panel, series }: { panel: Panel; series: ShownSeries | undefined }) {
  const value = series?.values.findLast((one) => one !== null) ?? null;
  const low = panel.low ?? 0;
  const high = panel.high ?? 100;
  const share = value === null ? 0 : Math.max(0, Math.min(1, (value - low) / (high - low || 1)));
  const limit = panel.thresholds[0];
  const bad = value !== null && limit !== undefined && value >= limit;
  const unit = panel.unit ?? series?.unit ?? null;
  return (
    <div class="panel-gauge">
      <svg viewBox="0 0 100 68" role="img" aria-label={`${short(value, unit)} of ${short(high, unit)}`}>
        <path class="gauge-ground" d="M10 52a40 40 0 0180 0" />
        <path class={bad ? "gauge-bad" : "gauge-value"} d="M10 52a40 40 0 0180 0" stroke-dasharray={`${share * ARC} ${ARC * 2}`} />
        <text class="gauge-figure" x="50" y="50">
          {short(value, unit)}
        </text>
        <text class="gauge-end" x="10" y="64">
          {short(low)}
        </text>
        <text class="gauge-end" x="90" y="64">
          {short(high)}
        </text>
      </svg>
    </div>
  );
}

function Table({ panel, series }: { panel: Panel; series: readonly ShownSeries[] }) {
  const rows = [...series].sort((a, b) => (b.total ?? -Infinity) - (a.total ?? -Infinity)).slice(0, ROWS_MAX);
  return (
    <div class="panel-table" tabIndex={0} role="group" aria-label={panel.title || "Table"}>
      <table>
        <tbody>
          {rows.map((one) => (
            <tr key={one.name}>
              <th scope="row">{one.name}</th>
              <td class="spark-cell">
                <Spark values={one.values} label={`Course of ${one.name}`} />
              </td>
              <td class="right number">{short(one.total, panel.unit ?? one.unit)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
