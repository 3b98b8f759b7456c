// Explore: any stats over each other, and arithmetic between them.

import { useState } from "preact/hooks";
import { totalOf } from "../board/feed";
import { call, download } from "../api/client";
import type { StatList } from "../api/models";
import { Chart, type ChartSeries } from "../chart/chart";
import { lineOf, openStart, together } from "../chart/line";
import { short } from "../chart/numbers";
import { bounds, rangeOf, rangeParams, tierFor, type Range } from "../chart/ranges";
import { timesOf, useQuery } from "../chart/use_query";
import { adjust, params } from "../router";
import { zone } from "../settings";
import { Icon } from "../ui/icon";
import { useLoaded } from "../ui/loaded";
import { Choice, Field, Trouble } from "../ui/parts";
import { Ranges } from "../ui/ranges";
import { complain } from "../ui/toasts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

const GROUPS = [
  ["", "each"],
  ["sum", "sum"],
  ["avg", "average"],
  ["min", "minimum"],
  ["max", "maximum"],
  ["topk:5", "greatest 5"],
] as const;

export function Explore() {
  const range = rangeOf(params.value, "6h");
  const picked = params.value.getAll("s");
  const expr = params.value.get("expr") ?? "";
  const group = params.value.get("group") ?? "";
  const question = questionOf(picked, expr, group, range);
  const found = useQuery(picked.length === 0 ? null : question, range);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
  };
  return (
    <section class="page">
      <header class="page-head">
        <h1>Explore</h1>
        <div class="actions">
          {picked.length > 0 && (
            <button
              type="button"
              class="quiet"
              onClick={() => void download("/v1/query", { ...question, format: "csv" }, "query.csv").catch(complain)}
            >
              <Icon name="down" />
              CSV
            </button>
          )}
        </div>
      </header>
      <div class="controls">
        <Ranges range={range} />
        <Choice label="Together" value={group} options={GROUPS} onChange={(value) => adjust({ group: value || null })} />
      </div>
      <Picker picked={picked} />
      <Formula key={expr} expr={expr} enabled={picked.length > 0} />
      {found.problem && <Trouble problem={found.problem} again={found.again} />}
      {found.value && (
        <>
          <Chart
            label="Explore"
            data={together(found.value.series.map((one) => lineOf(one.columns, "value")))}
            series={found.value.series.map((one, index) => seriesOf(one.name, index, hidden))}
            bounds={bounds(range, Date.now() / 1000)}
            step={found.value.step}
            height={380}
            unit={null}
            openFrom={openStart(found.value.series[0]?.columns.t ?? [], found.value.step, Date.now() / 1000)}
            onZoom={(from, to) => adjust(rangeParams({ from, to }), { replace: false })}
          />
          <ul class="legend-list">
            {found.value.series.map((one, index) => (
              <li key={`${one.name}-${index}`}>
                <button type="button" aria-pressed={!hidden.has(one.name)} onClick={() => toggle(one.name)}>
                  <i class={`swatch series-${(index % 8) + 1}`} />
                  {one.name}
                </button>
                <span class="number muted">{short(totalOf(one, one.stat?.type ?? null), one.stat?.unit)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {picked.length === 0 && <p class="muted">Choose stats by name, or several by a pattern such as web.*</p>}
    </section>
  );
}

function questionOf(picked: readonly string[], expr: string, group: string, range: Range) {
  const nowS = Date.now() / 1000;
  return {
    stat: picked.filter((one) => !one.includes("*")),
    match: picked.filter((one) => one.includes("*")),
    expr: expr || null,
    group: group || null,
    resolution: tierFor(range, nowS),
    tz: zone.value,
    ...timesOf(range),
  };
}

function seriesOf(name: string, index: number, hidden: ReadonlySet<string>): ChartSeries {
  return { label: name, colour: index % 8, style: "line", hidden: hidden.has(name) };
}

function setPicked(picked: readonly string[]): void {
  const next = new URLSearchParams(params.value);
  next.delete("s");
  for (const one of picked) next.append("s", one);
  history.replaceState(null, "", `/explore?${next.toString()}`);
  dispatchEvent(new PopStateEvent("popstate"));
}

function Picker({ picked }: { picked: readonly string[] }) {
  const [text, setText] = useState("");
  const found = useLoaded(
    (signal) => call<StatList>("GET", "/v1/stats", { params: { q: text, sort: "activity", limit: 30 }, signal }),
    [text],
  );
  const add = (event: Event) => {
    event.preventDefault();
    const name = text.trim();
    if (name === "" || picked.includes(name)) return;
    setPicked([...picked, name]);
    setText("");
  };
  return (
    <div class="picker">
      <ul class="picked">
        {picked.map((one, index) => (
          <li key={one}>
            <b>{LETTERS[index] ?? "?"}</b> {one}
            <button
              type="button"
              class="icon-button"
              aria-label={`Remove ${one}`}
              onClick={() => setPicked(picked.filter((other) => other !== one))}
            >
              <Icon name="cross" />
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={add}>
        <label class="search">
          <Icon name="plus" />
          <input
            list="stat-names"
            value={text}
            placeholder="Add a stat or a pattern"
            aria-label="Add a stat or a pattern"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <datalist id="stat-names">
          {(found.value?.stats ?? []).map((one) => (
            <option key={one.id} value={one.name} />
          ))}
        </datalist>
      </form>
    </div>
  );
}

function Formula({ expr, enabled }: { expr: string; enabled: boolean }) {
  const [text, setText] = useState(expr);
  if (!enabled) return null;
  return (
    <form
      class="formula"
      onSubmit={(event) => {
        event.preventDefault();
        adjust({ expr: text.trim() || null });
      }}
    >
      <Field label="Formula" value={text} onInput={setText} placeholder="a / b * 100" hint="a, b, c are the stats above" />
      <button type="submit">Draw</button>
    </form>
  );
}
