// A board behind a link: seen by whoever has it, moving, and nothing of the account beside it.

import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/problem";
import { Grid } from "../board/board_grid";
import { PanelView } from "../board/view";
import type { Spread } from "../board/cells";
import type { Board, Shown, ShownSeries } from "../board/model";
import { seconds } from "../chart/ranges";
import { read, Viewer } from "../live/viewer";

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
  panels: Record<string, { step: number; series: SharedSeries[]; problem: string | null; spread: Spread | null }>;
}

/** Time goes on although nothing comes. */
const TICK_MS = 1_000;
const BEHIND_MS = 10_000;

export function SharedPage({ token, framed }: { token: string; framed: boolean }) {
  const [board, setBoard] = useState<Board | null>(null);
  const [data, setData] = useState<SharedData | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [since, setSince] = useState<number | null>(null);
  const [, tick] = useState(0);
  const path = `/v1/shared/${token}`;
  useEffect(() => {
    const stop = new AbortController();
    const failed = (error: unknown) => {
      if (stop.signal.aborted) return;
      const found = asProblem(error);
      setProblem(found);
      // A link that is gone shows nothing any more.
      if (found.status === 404) setBoard(null);
    };
    const load = () =>
      read(path, stop.signal)
        .then((reply) => reply.json() as Promise<{ board: Board }>)
        .then((found) => {
          setBoard(found.board);
          document.title = found.board.title;
        });
    let viewer: Viewer<SharedData> | null = null;
    load()
      .then(() => {
        viewer = new Viewer<SharedData>(path, {
          data: setData,
          // Behind since the first moment of it; a short reconnect disturbs nobody.
          state: (connected) => setSince((before) => (connected ? null : (before ?? Date.now()))),
          changed: () => void load().catch(failed),
          problem: failed,
        });
      })
      .catch(failed);
    const timer = setInterval(() => tick((turn) => turn + 1), TICK_MS);
    return () => {
      stop.abort();
      viewer?.close();
      clearInterval(timer);
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
            {data && <Freshness since={since} />}
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

function Freshness({ since }: { since: number | null }) {
  const behind = since === null ? 0 : Date.now() - since;
  if (behind < BEHIND_MS) return <span class="state state-live">live</span>;
  return <span class="state state-behind">behind by {Math.round(behind / 1000)} s</span>;
}

function shownOf(data: SharedData | null, id: string): Shown | null {
  if (!data) return null;
  const found = data.panels[id];
  if (!found) return { step: 0, series: [], problem: null };
  const series = found.series.map((one): ShownSeries => ({ ...one, values: one.value }));
  return { step: found.step, series, problem: found.problem, spread: found.spread };
}
