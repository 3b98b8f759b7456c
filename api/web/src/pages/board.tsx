// One dashboard: looked at, arranged, shared.

import { useEffect, useState } from "preact/hooks";
import { ask, call } from "../api/client";
import { Problem } from "../api/problem";
import { Grid } from "../board/board_grid";
import { room } from "../board/grid";
import { newPanel, patternsOf, type Board, type BoardReply, type Panel } from "../board/model";
import { Variables } from "../board/variables";
import { bounds, rangeOf, rangeParams } from "../chart/ranges";
import { adjust, go, params } from "../router";
import { edits } from "../session";
import { Icon } from "../ui/icon";
import { useLoaded } from "../ui/loaded";
import { Trouble } from "../ui/parts";
import { Ranges } from "../ui/ranges";
import { complain, say } from "../ui/toasts";
import { keep } from "./boards";
import { BoardEditor } from "./board_editor";
import { LivePanel } from "./live_panel";
import { PanelEditor } from "./panel_editor";
import { Sharing } from "./sharing";

export function BoardPage({ id }: { id: string }) {
  const path = `/v1/dashboards/${encodeURIComponent(id)}`;
  const found = useLoaded((signal) => ask<BoardReply>("GET", path, { signal }), [id]);
  if (found.problem) {
    return (
      <section class="page">
        <Trouble problem={found.problem} again={found.again} />
      </section>
    );
  }
  if (!found.value) return <section class="page" aria-busy="true" />;
  const { body, etag } = found.value;
  return <Opened key={`${id} ${etag ?? ""}`} path={path} kept={body} etag={etag ?? "*"} again={found.again} />;
}

interface OpenedProps {
  path: string;
  kept: BoardReply;
  etag: string;
  again: () => void;
}

function Opened({ path, kept, etag, again }: OpenedProps) {
  const [board, setBoard] = useState(kept.board);
  const [arranging, setArranging] = useState(false);
  const [editing, setEditing] = useState<Panel | null>(null);
  const [about, setAbout] = useState(false);
  const [sharing, setSharing] = useState(false);
  const range = rangeOf(params.value, board.range);
  const chosen = chosenOf(board);
  const kiosk = params.value.get("kiosk") === "1";
  useEffect(() => {
    document.title = `${board.title} · StatFlow`;
    return () => {
      document.title = "StatFlow";
    };
  }, [board.title]);
  useEffect(() => {
    if (!kiosk) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") adjust({ kiosk: null });
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [kiosk]);
  const save = async (next: Board) => {
    try {
      await call("PUT", path, { body: next, headers: { "if-match": etag } });
      say("Saved.");
      setArranging(false);
      again();
    } catch (error) {
      complain(error);
      if (error instanceof Problem && error.code === "precondition_failed") again();
    }
  };
  const remove = async () => {
    try {
      await call("DELETE", path);
      // A board that comes back is another one: nobody has links to it.
      say(`${board.title} is deleted, and so are its links.`, () => void keep(board).catch(complain));
      go("/dashboards");
    } catch (error) {
      complain(error);
    }
  };
  const setPanels = (panels: Panel[]) => setBoard({ ...board, panels });
  const cancel = () => {
    setBoard(kept.board);
    setArranging(false);
  };
  const change = (next: Board) => {
    setBoard(next);
    setAbout(false);
  };
  const put = (panel: Panel) => {
    const known = board.panels.some((one) => one.id === panel.id);
    setPanels(known ? board.panels.map((one) => (one.id === panel.id ? panel : one)) : [...board.panels, panel]);
    setEditing(null);
  };
  return (
    <section class="page board-page">
      <header class="page-head">
        {!kiosk && (
          <a class="icon-button" href="/dashboards" data-page aria-label="All dashboards">
            <Icon name="back" />
          </a>
        )}
        <h1 class="name">{board.title}</h1>
        <div class="actions">
          {arranging ? (
            <>
              <button type="button" onClick={() => setEditing(newPanel("line", [], room(board.panels, 8, 6)))}>
                <Icon name="plus" />
                Panel
              </button>
              <button type="button" onClick={() => setAbout(true)}>
                Title and variables
              </button>
              <button type="button" onClick={cancel}>
                Cancel
              </button>
              <button type="button" class="primary" onClick={() => void save(board)}>
                Save
              </button>
            </>
          ) : (
            <BoardActions
              board={board}
              kiosk={kiosk}
              onArrange={() => setArranging(true)}
              onShare={() => setSharing(true)}
              onRemove={() => void remove()}
            />
          )}
        </div>
      </header>
      <div class="controls">
        <Ranges range={range} />
        <Variables board={board} chosen={chosen} />
      </div>
      {board.description !== "" && <p class="muted">{board.description}</p>}
      {board.panels.length === 0 && <p class="muted">An empty board: choose Edit, then Panel.</p>}
      <Grid panels={board.panels} arranging={arranging} onChange={setPanels} onEdit={setEditing} onRemove={(id) => setPanels(board.panels.filter((one) => one.id !== id))}>
        {(panel) => (
          <LivePanel
            panel={panel}
            patterns={patternsOf(board, panel, chosen)}
            range={range}
            refreshS={board.refresh_s}
            bounds={bounds(range, Date.now() / 1000)}
            sync={kept.id}
            onZoom={(from, to) => adjust(rangeParams({ from, to }), { replace: false })}
          />
        )}
      </Grid>
      {editing && <PanelEditor panel={editing} onDone={put} onClose={() => setEditing(null)} />}
      {about && <BoardEditor board={board} onDone={change} onClose={() => setAbout(false)} />}
      {sharing && <Sharing path={path} board={board} chosen={chosen} onClose={() => setSharing(false)} />}
    </section>
  );
}

/** The variables as the address says them; the board's own where it does not. */
function chosenOf(board: Board): Map<string, string> {
  return new Map(board.variables.map((one) => [one.name, params.value.get(`var-${one.name}`) ?? one.value]));
}

interface ActionsProps {
  board: Board;
  kiosk: boolean;
  onArrange: () => void;
  onShare: () => void;
  onRemove: () => void;
}

function BoardActions({ board, kiosk, onArrange, onShare, onRemove }: ActionsProps) {
  const save = () => {
    const address = URL.createObjectURL(new Blob([JSON.stringify(board, null, 2)], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = "dashboard.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  if (kiosk) {
    return (
      <button type="button" class="quiet" onClick={() => adjust({ kiosk: null })}>
        Leave kiosk
      </button>
    );
  }
  return (
    <>
      {edits.value && (
        <>
          <button type="button" class="quiet" onClick={onArrange}>
            <Icon name="pen" />
            Edit
          </button>
          <button type="button" class="quiet" onClick={onShare}>
            <Icon name="share" />
            Share
          </button>
          <button type="button" class="quiet" onClick={() => void keep({ ...board, title: `${board.title} (copy)`.slice(0, 200) }).catch(complain)}>
            <Icon name="copy" />
            Duplicate
          </button>
        </>
      )}
      <button type="button" class="quiet" onClick={save}>
        <Icon name="down" />
        JSON
      </button>
      <button type="button" class="quiet" onClick={() => adjust({ kiosk: "1" })}>
        <Icon name="full" />
        Kiosk
      </button>
      {edits.value && (
        <button type="button" class="quiet" onClick={onRemove}>
          <Icon name="bin" />
          Delete
        </button>
      )}
    </>
  );
}
