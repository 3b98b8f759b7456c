// All stats: found by name, their last hour in a line, moving.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call } from "../api/client";
import type { Kind, LivePoint, Maybe, Query, Stat, StatList } from "../api/models";
import { nothing } from "../chart/line";
import { short } from "../chart/numbers";
import { Spark } from "../chart/spark";
import { ago } from "../chart/times";
import { follow } from "../live/hub";
import { adjust, go, params } from "../router";
import { Icon } from "../ui/icon";
import { useLoaded } from "../ui/loaded";
import { Segments, Trouble } from "../ui/parts";
import { Empty } from "./empty";

const PAGE = 100;
const MINUTES = 60;

type Sort = "name" | "activity";

export function Stats() {
  const q = params.value.get("q") ?? "";
  const type = params.value.get("type") ?? "";
  const sort: Sort = params.value.get("sort") === "name" ? "name" : "activity";
  const state = params.value.get("state") === "trash" ? "trash" : "live";
  const [cursor, setCursor] = useState<string | null>(null);
  const found = useLoaded(
    (signal) => call<StatList>("GET", "/v1/stats", { params: { q, type, sort, state, cursor, limit: PAGE }, signal }),
    [q, type, sort, state, cursor],
  );
  const list = found.value;
  const change = (changes: Record<string, string | null>) => {
    setCursor(null);
    adjust(changes);
  };
  const plain = q === "" && type === "" && state === "live" && cursor === null;
  if (list?.stats.length === 0 && plain) return <Empty onFirst={(id) => go(`/stats/${id}?range=5m`)} />;
  return (
    <section class="page">
      <header class="page-head">
        <h1>{state === "trash" ? "Trash" : "Stats"}</h1>
        <Search value={q} onSearch={(text) => change({ q: text || null })} />
        <Segments
          label="Type"
          value={type}
          options={[
            ["", "All"],
            ["counter", "Counters"],
            ["value", "Values"],
          ]}
          onChange={(value) => change({ type: value || null })}
        />
        <Segments<Sort>
          label="Order"
          value={sort}
          options={[
            ["activity", "Active first"],
            ["name", "By name"],
          ]}
          onChange={(value) => change({ sort: value === "name" ? "name" : null })}
        />
        <button class="quiet" type="button" onClick={() => change({ state: state === "trash" ? null : "trash" })}>
          <Icon name="bin" />
          {state === "trash" ? "Back to stats" : "Trash"}
        </button>
      </header>
      {found.problem && <Trouble problem={found.problem} again={found.again} />}
      {list && <Table stats={list.stats} live={state === "live"} />}
      {list?.stats.length === 0 && <p class="muted">No stat fits.</p>}
      <footer class="pager">
        {cursor !== null && (
          <button type="button" onClick={() => setCursor(null)}>
            First page
          </button>
        )}
        {list?.next && (
          <button type="button" onClick={() => setCursor(list.next)}>
            More
          </button>
        )}
      </footer>
    </section>
  );
}

function Search({ value, onSearch }: { value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(value);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text !== value) onSearch(text);
    }, 150);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      box.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <label class="search">
      <Icon name="search" />
      <input
        ref={box}
        type="search"
        value={text}
        placeholder="Name or pattern: web.*"
        aria-label="Search stats (press / to come here)"
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

interface Row {
  minutes: Maybe[];
  /** Start of the last of them. */
  until: number;
  pointAt: number | null;
}

function Table({ stats, live }: { stats: readonly Stat[]; live: boolean }) {
  const rows = useRows(stats, live);
  const now = Date.now();
  return (
    <table class="stats">
      <thead>
        <tr>
          <th scope="col">Stat</th>
          <th scope="col">Last hour</th>
          <th scope="col" class="right">
            This minute
          </th>
          <th scope="col" class="right wide">
            Hour
          </th>
          <th scope="col" class="right roomy">
            Last point
          </th>
        </tr>
      </thead>
      <tbody>
        {stats.map((stat) => {
          const row = rows.get(stat.id);
          const pointAt = row?.pointAt ? new Date(row.pointAt * 1000).toISOString() : stat.last_point;
          return (
            <tr key={stat.id}>
              <th scope="row">
                <a href={`/stats/${stat.id}`} data-page>
                  {stat.name}
                </a>
                <span class={`kind kind-${stat.type}`}>{stat.type}</span>
              </th>
              <td class="spark-cell">{row && <Spark values={row.minutes} label={`Last hour of ${stat.name}`} />}</td>
              <td class="right number">{short(row?.minutes.at(-1), stat.unit)}</td>
              <td class="right number wide">{short(overall(stat.type, row?.minutes ?? []), stat.unit)}</td>
              <td class="right number muted roomy">{ago(pointAt, now)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function overall(kind: Kind, minutes: readonly Maybe[]): Maybe {
  const known = minutes.filter((value) => value !== null);
  if (known.length === 0) return null;
  const sum = known.reduce((a, b) => a + b, 0);
  return kind === "counter" ? sum : sum / known.length;
}

/** The last hour of each stat by minutes: one question for all, then what arrives. */
function useRows(stats: readonly Stat[], live: boolean): Map<string, Row> {
  const rows = useMemo(() => new Map<string, Row>(), [stats]);
  const [, draw] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let frame = 0;
    const soon = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        draw((turn) => turn + 1);
      });
    };
    const load = () => void loadRows(stats, rows, stop.signal).then(soon, () => undefined);
    const ends = live
      ? stats.map((stat) =>
          follow(stat.id, "1m", {
            points: (points, how) => {
              for (const point of points) lay(rows, stat, point, how === "change");
              soon();
            },
            reload: load,
          }),
        )
      : [];
    load();
    const timer = setInterval(() => {
      for (const stat of stats) shift(rows.get(stat.id), stat.type, minuteOf(Date.now() / 1000));
      soon();
    }, 5_000);
    return () => {
      stop.abort();
      clearInterval(timer);
      cancelAnimationFrame(frame);
      for (const end of ends) end();
    };
  }, [stats, live]);
  return rows;
}

async function loadRows(stats: readonly Stat[], rows: Map<string, Row>, signal: AbortSignal): Promise<void> {
  if (stats.length === 0) return;
  const params = { stat: stats.map((one) => one.id), from: `-${MINUTES - 1}m`, resolution: "1m", format: "columns" };
  const answer = await call<Query>("GET", "/v1/query", { params, signal });
  for (const line of answer.series) {
    const minutes = line.columns.value.slice(-MINUTES);
    const until = line.columns.t.at(-1);
    if (!line.stat || until === undefined) continue;
    const before = rows.get(line.stat.id);
    rows.set(line.stat.id, { minutes, until, pointAt: before?.pointAt ?? null });
  }
}

function minuteOf(atS: number): number {
  return Math.floor(atS / 60) * 60;
}

function lay(rows: Map<string, Row>, stat: Stat, point: LivePoint, fresh: boolean): void {
  const row = rows.get(stat.id);
  if (!row) return;
  shift(row, stat.type, point.t);
  const index = row.minutes.length - 1 - (row.until - point.t) / 60;
  if (index >= 0 && index < row.minutes.length) row.minutes[index] = point.value;
  if (fresh && point.t >= row.until) row.pointAt = Date.now() / 1000;
}

/** Let minutes pass. */
function shift(row: Row | undefined, kind: Kind, until: number): void {
  if (!row) return;
  for (let at = row.until + 60; at <= until; at += 60) {
    row.minutes.push(nothing(kind, "value"));
    row.minutes.shift();
    row.until = at;
  }
}
