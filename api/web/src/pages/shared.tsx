// A board behind a link: seen by whoever has it, moving, and nothing of the account beside it.

import { useEffect, useState } from "preact/hooks";
import { asProblem, problemOf, type Problem } from "../api/problem";
import { Grid } from "../board/board_grid";
import { PanelView } from "../board/view";
import type { Board, Shown, ShownSeries } from "../board/model";
import { seconds } from "../chart/ranges";

interface SharedSeries {
  name: string;
  unit: string | null;
  type: "counter" | "value" | null;
  total: number | null;
  t: number[];
  value: (number | null)[];
}

interface SharedData {
  at: number;
  panels: Record<string, { step: number; series: SharedSeries[]; problem: string | null }>;
}

const AGAIN_MS = 3_000;
const BEHIND_MS = 10_000;

async function read<T>(path: string, signal: AbortSignal): Promise<T> {
  // No key and no cookie: a link is all that anybody needs here.
  const reply = await fetch(path, { credentials: "omit", cache: "no-store", signal });
  if (!reply.ok) throw await problemOf(reply);
  return (await reply.json()) as T;
}

export function SharedPage({ token, framed }: { token: string; framed: boolean }) {
  const [board, setBoard] = useState<Board | null>(null);
  const [data, setData] = useState<SharedData | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const path = `/v1/shared/${token}`;
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const again = async () => {
      try {
        if (!document.hidden) setData(await read<SharedData>(`${path}/data`, stop.signal));
        setProblem(null);
      } catch (error) {
        if (stop.signal.aborted) return;
        const found = asProblem(error);
        setProblem(found);
        // A link that is gone shows nothing any more.
        if (found.status === 404) { setBoard(null); return; }
      }
      timer = setTimeout(() => void again(), AGAIN_MS);
    };
    read<{ board: Board }>(path, stop.signal)
      .then((found) => {
        setBoard(found.board);
        document.title = found.board.title;
        return again();
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setProblem(asProblem(error));
      });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [token]);
  if (!board) {
    return (
      <main class="door" id="main">
        {problem && <p>{problem.detail}</p>}
      </main>
    );
  }
  const nowS = Date.now() / 1000;
  const from = nowS - (seconds(board.range) ?? 3600);
  return (
    <main id="main" class={framed ? "shared framed" : "shared"}>
      <section class="page board-page">
        <header class="page-head">
          <h1>{board.title}</h1>
          <div class="actions">
            <Freshness at={data?.at ?? null} />
          </div>
        </header>
        {board.description !== "" && <p class="muted">{board.description}</p>}
        <Grid panels={board.panels} arranging={false}>
          {(panel) => <PanelView panel={panel} shown={shownOf(data, panel.id)} bounds={[from, nowS]} sync={token} />}
        </Grid>
      </section>
    </main>
  );
}

function Freshness({ at }: { at: number | null }) {
  if (at === null) return null;
  const behind = Date.now() - at * 1000;
  if (behind < BEHIND_MS) return <span class="state state-live">live</span>;
  return <span class="state state-behind">behind by {Math.round(behind / 1000)} s</span>;
}

function shownOf(data: SharedData | null, id: string): Shown | null {
  if (!data) return null;
  const found = data.panels[id];
  if (!found) return { step: 0, series: [], problem: null };
  const series = found.series.map((one): ShownSeries => ({ ...one, values: one.value }));
  return { step: found.step, series, problem: found.problem };
}
