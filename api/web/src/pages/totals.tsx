// What a stat's last hour, day, week, month and year add up to.

import { call } from "../api/client";
import type { Data, Stat, Summary } from "../api/models";
import { exact, short } from "../chart/numbers";
import { useLoaded } from "../ui/loaded";

const SPANS: readonly (readonly [string, string, string])[] = [
  ["Hour", "-1h", "1m"],
  ["Day", "-24h", "15m"],
  ["Week", "-7d", "1h"],
  ["Month", "-30d", "1h"],
  ["Year", "-365d", "1d"],
];

type Row = readonly [string, (one: Summary) => number | null];

export function Totals({ stat }: { stat: Stat }) {
  const found = useLoaded(
    (signal) =>
      Promise.all(
        SPANS.map(([, from, resolution]) =>
          call<Data>("GET", `/v1/stats/${encodeURIComponent(stat.id)}/data`, {
            params: { from, resolution, format: "columns" },
            signal,
          }).then((data) => data.summary),
        ),
      ),
    [stat.id],
  );
  if (!found.value) return null;
  const summaries = found.value;
  const counter = stat.type === "counter";
  const total: Row = ["Total", (one) => one.sum];
  const rows: readonly Row[] = [
    ...(counter ? [total] : []),
    ["Mean", (one) => one.avg],
    ["Minimum", (one) => one.min],
    ["Maximum", (one) => one.max],
    ["Deviation", (one) => one.stddev],
    ["Points", (one) => one.count],
  ];
  return (
    <div class="scroller" tabIndex={0} role="group" aria-label="Totals">
      <table class="totals">
        <thead>
          <tr>
            <th scope="col">Last</th>
            {SPANS.map(([name]) => (
              <th key={name} scope="col" class="right">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, of]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {summaries.map((one, index) => {
                const value = one.count === 0 && name !== "Points" ? null : of(one);
                const unit = name === "Points" ? null : stat.unit;
                return (
                  <td key={index} class="right number" title={exact(value, unit)}>
                    {short(value, unit)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
