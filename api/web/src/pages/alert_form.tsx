// A new alert, with its line on the chart and what it would have done last week, while typing.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import type { Data, Stat, StatList } from "../api/models";
import { asProblem, type Problem } from "../api/problem";
import { crossings, type Op } from "../chart/crossings";
import { StatChart } from "../chart/stat_chart";
import { useLoaded } from "../ui/loaded";
import { Choice, Dialog, Field } from "../ui/parts";
import { say } from "../ui/toasts";
import { useChannels } from "./channels";

type Kind = "threshold" | "delta" | "deadman";
type Window = "1m" | "15m" | "1h" | "1d";

const OPS = [
  [">", "above"],
  [">=", "at least"],
  ["<", "below"],
  ["<=", "at most"],
] as const;

const AGGREGATES = ["sum", "avg", "min", "max", "count", "p95", "p99"] as const;
const WINDOWS: readonly (readonly [Window, string])[] = [
  ["1m", "a minute"],
  ["15m", "a quarter of an hour"],
  ["1h", "an hour"],
  ["1d", "a day"],
];

export function AlertForm({ onClose, onDone, stat }: { onClose: () => void; onDone: () => void; stat?: string }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("threshold");
  const [target, setTarget] = useState(stat ?? "");
  const [aggregate, setAggregate] = useState<(typeof AGGREGATES)[number]>("sum");
  const [op, setOp] = useState<Op>(">");
  const [threshold, setThreshold] = useState("");
  const [window, setWindow] = useState<Window>("15m");
  const [percentage, setPercentage] = useState("50");
  const [period, setPeriod] = useState("5m");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const channels = useChannels();
  const stats = useLoaded(
    (signal) => call<StatList>("GET", "/v1/stats", { params: { q: target, limit: 30 }, signal }),
    [target],
  );
  const found = stats.value?.stats.find((one) => one.name === target || one.id === target) ?? null;
  useEffect(() => {
    if (found) setAggregate(found.type === "counter" ? "sum" : "avg");
  }, [found?.id]);
  const body = {
    name: name.trim() || `${target} ${kind}`,
    kind,
    ...(target.includes("*") ? { match: target } : { stat: target }),
    channels: chosen,
    ...(kind === "threshold" ? { op, threshold: Number(threshold), window, aggregate } : {}),
    ...(kind === "delta" ? { window, aggregate, percentage: Number(percentage) } : {}),
    ...(kind === "deadman" ? { period } : {}),
  };
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      await call("POST", "/v1/alerts", { body });
      say(`${body.name} watches from now on.`);
      onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const limit = threshold.trim() === "" ? null : Number(threshold);
  return (
    <Dialog title="New alert" onClose={onClose} broad>
      <form onSubmit={(event) => void make(event)}>
        <div class="controls">
          <Choice<Kind>
            label="When"
            value={kind}
            options={[
              ["threshold", "a number leaves its range"],
              ["delta", "a number changes"],
              ["deadman", "nothing comes any more"],
            ]}
            onChange={setKind}
          />
        </div>
        <StatField value={target} onInput={setTarget} stats={stats.value?.stats ?? []} fault={problem?.of("stat")} />
        {kind !== "deadman" && (
          <div class="controls">
            <Choice label="Its" value={aggregate} options={AGGREGATES.map((one) => [one, one] as const)} onChange={setAggregate} />
            <Choice label="within" value={window} options={WINDOWS} onChange={setWindow} />
            {kind === "threshold" && <Choice<Op> label="is" value={op} options={OPS} onChange={setOp} />}
          </div>
        )}
        {kind === "threshold" && (
          <Field label="Threshold" type="number" value={threshold} onInput={setThreshold} required fault={problem?.of("threshold")} />
        )}
        {kind === "delta" && (
          <Field label="By more than %" type="number" value={percentage} onInput={setPercentage} required fault={problem?.of("percentage")} />
        )}
        {kind === "deadman" && <Field label="No point for" value={period} onInput={setPeriod} required hint="5m, 1h, 1d" fault={problem?.of("period")} />}
        {found && kind === "threshold" && (
          <Preview stat={found} aggregate={aggregate} window={window} op={op} limit={limit} />
        )}
        <Field label="Name" value={name} onInput={setName} placeholder={body.name} fault={problem?.of("name")} />
        {(channels.value ?? []).length > 0 && (
          <fieldset>
            <legend>Tell</legend>
            {(channels.value ?? []).map((one) => (
              <label key={one.id} class="check">
                <input
                  type="checkbox"
                  checked={chosen.includes(one.id)}
                  onChange={(event) => setChosen(event.currentTarget.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))}
                />
                {one.name}
              </label>
            ))}
          </fieldset>
        )}
        {problem && (
          <p class="fault" role="alert">
            {problem.detail}
          </p>
        )}
        <button class="primary" type="submit">
          Watch
        </button>
      </form>
    </Dialog>
  );
}

interface StatFieldProps {
  value: string;
  onInput: (text: string) => void;
  stats: readonly Stat[];
  fault: string | undefined;
}

function StatField({ value, onInput, stats, fault }: StatFieldProps) {
  return (
    <div class="field">
      <label for="alert-stat">Stat</label>
      <input
        id="alert-stat"
        list="alert-stats"
        value={value}
        required
        autocomplete="off"
        aria-invalid={fault !== undefined}
        placeholder="orders.failed, or web.*"
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <datalist id="alert-stats">
        {stats.map((one) => (
          <option key={one.id} value={one.name} />
        ))}
      </datalist>
      {fault !== undefined && <small class="fault">{fault}</small>}
    </div>
  );
}

interface PreviewProps {
  stat: Stat;
  aggregate: (typeof AGGREGATES)[number];
  window: Window;
  op: Op;
  limit: number | null;
}

/** The week before, by whole windows: a live alert looks at every step, so it may fire once more. */
function Preview({ stat, aggregate, window, op, limit }: PreviewProps) {
  const week = useLoaded(
    (signal) =>
      call<Data>("GET", `/v1/stats/${stat.id}/data`, {
        params: { from: "-7d", resolution: window, agg: aggregate, format: "columns" },
        signal,
      }),
    [stat.id, aggregate, window],
  );
  const values = week.value?.columns[aggregate] ?? week.value?.columns.value ?? [];
  const times = limit === null || !Number.isFinite(limit) ? null : crossings(values, op, limit);
  return (
    <>
      <StatChart
        stat={stat}
        range={{ last: 604_800, text: "7d" }}
        resolution={window}
        aggregates={[aggregate]}
        compare={null}
        thresholds={limit === null || !Number.isFinite(limit) ? [] : [limit]}
        height={180}
      />
      {times !== null && (
        <p class="hint" role="status">
          It would have fired {times === 1 ? "once" : `${times} times`} in the last week, by whole windows.
        </p>
      )}
    </>
  );
}
