// All dashboards: make one, from nothing, from the busiest stats, or from a file.

import { useRef, useState } from "preact/hooks";
import { call } from "../api/client";
import type { Query, Stat, StatList } from "../api/models";
import { Problem } from "../api/problem";
import { room } from "../board/grid";
import { newBoard, newPanel, type Board, type BoardInfo, type BoardReply, type Panel } from "../board/model";
import { written } from "../chart/times";
import { go } from "../router";
import { edits } from "../session";
import { Icon } from "../ui/icon";
import { useLoaded } from "../ui/loaded";
import { Dialog, Field, Trouble } from "../ui/parts";
import { complain } from "../ui/toasts";

const FILE_BYTES_MAX = 1024 * 1024;
const STARTERS = 6;

export function Boards() {
  const found = useLoaded((signal) => call<{ dashboards: BoardInfo[] }>("GET", "/v1/dashboards", { signal }), []);
  const [making, setMaking] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const list = found.value?.dashboards;
  return (
    <section class="page">
      <header class="page-head">
        <h1>Dashboards</h1>
        {edits.value && (
          <div class="actions">
            <button type="button" class="quiet" onClick={() => file.current?.click()}>
              Import
            </button>
            <input ref={file} type="file" accept="application/json" hidden aria-label="A board as a file" onChange={(event) => void taken(event)} />
            <button type="button" class="primary" onClick={() => setMaking(true)}>
              <Icon name="plus" />
              New dashboard
            </button>
          </div>
        )}
      </header>
      {found.problem && <Trouble problem={found.problem} again={found.again} />}
      {list?.length === 0 && (
        <p class="muted">No dashboard yet. A new one begins with your busiest stats; arrange it as you like.</p>
      )}
      <ul class="cards">
        {(list ?? []).map((one) => (
          <li key={one.id}>
            <a href={`/dashboards/${one.id}`} data-page>
              <b>{one.title}</b>
              <span class="muted">
                {one.panels} {one.panels === 1 ? "panel" : "panels"} · {written(one.changed)}
              </span>
            </a>
          </li>
        ))}
      </ul>
      {making && <Make onClose={() => setMaking(false)} />}
    </section>
  );
}

export async function keep(board: Board): Promise<void> {
  const made = await call<BoardReply>("POST", "/v1/dashboards", { body: board });
  go(`/dashboards/${made.id}`);
}

async function taken(event: Event): Promise<void> {
  const input = event.currentTarget as HTMLInputElement;
  const file = input.files?.[0];
  if (!file) return;
  try {
    if (file.size > FILE_BYTES_MAX) throw new Problem(0, "file", "The file is larger than any board.");
    await keep(parsed(await file.text()));
  } catch (error) {
    complain(error);
  } finally {
    // The same file, mended, may be chosen again.
    input.value = "";
  }
}

function parsed(text: string): Board {
  try {
    return JSON.parse(text) as Board;
  } catch {
    throw new Problem(0, "file", "The file is no JSON: a board is what JSON of its page saves.");
  }
}

/** Whether all that there is came just now: in hours of nothing it could not be seen. */
async function isNew(stats: readonly Stat[]): Promise<boolean> {
  if (stats.length === 0) return false;
  const params = { stat: stats.map((one) => one.id), from: "-6h", to: "-15m", resolution: "15m", format: "columns" };
  const { series } = await call<Query>("GET", "/v1/query", { params });
  return series.every((one) => (one.summary?.count ?? 0) === 0);
}

function Make({ onClose }: { onClose: () => void }) {
  const [title, setTitle] = useState("");
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      const params = { sort: "activity", limit: STARTERS };
      const { stats } = await call<StatList>("GET", "/v1/stats", { params });
      const panels: Panel[] = [];
      for (const stat of stats) {
        const kind = stat.type === "counter" ? "area" : "line";
        panels.push(newPanel(kind, [stat.name], room(panels, 8, 6), stat.name));
      }
      const board = newBoard(title);
      await keep({ ...board, panels, range: (await isNew(stats)) ? "15m" : board.range });
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Dialog title="New dashboard" onClose={onClose}>
      <form onSubmit={(event) => void make(event)}>
        <Field label="Title" value={title} onInput={setTitle} required autofocus maxLength={200} />
        <button class="primary" type="submit">
          Make it
        </button>
      </form>
    </Dialog>
  );
}
