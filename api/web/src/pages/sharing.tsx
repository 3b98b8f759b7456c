// Links to a board: made, counted, taken back.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { Board, NewShare, Share } from "../board/model";
import { written } from "../chart/times";
import { useLoaded } from "../ui/loaded";
import { Choice, Copied, Dialog, Field } from "../ui/parts";
import { complain, say } from "../ui/toasts";

const LIVES = [
  ["", "for ever"],
  ["3600", "for an hour"],
  ["86400", "for a day"],
  ["604800", "for a week"],
  ["2592000", "for a month"],
] as const;

interface SharingProps {
  path: string;
  board: Board;
  /** The board's variables as they are now: the link holds them fast. */
  chosen: ReadonlyMap<string, string>;
  onClose: () => void;
}

export function Sharing({ path, board, chosen, onClose }: SharingProps) {
  const found = useLoaded((signal) => call<{ shares: Share[] }>("GET", `${path}/shares`, { signal }), [path]);
  const [life, setLife] = useState<(typeof LIVES)[number][0]>("");
  const [origins, setOrigins] = useState("");
  const [made, setMade] = useState<NewShare | null>(null);
  const make = async (event: Event) => {
    event.preventDefault();
    const body = {
      expires: life === "" ? null : Math.ceil(Date.now() / 1000 + Number(life)),
      variables: Object.fromEntries(chosen),
      origins: origins.split(/[,\s]+/).filter((one) => one !== ""),
    };
    try {
      setMade(await call<NewShare>("POST", `${path}/shares`, { body }));
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  const revoke = async (id: string) => {
    try {
      await call("DELETE", `${path}/shares/${encodeURIComponent(id)}`);
      say("The link is dead.");
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Dialog title={`Share ${board.title}`} onClose={onClose}>
      {made ? (
        <NewLink made={made} onMore={() => setMade(null)} />
      ) : (
        <form onSubmit={(event) => void make(event)}>
          <p>Whoever has the link sees this board, live, without logging in, and nothing else.</p>
          {chosen.size > 0 && <p class="muted">It holds fast what is chosen now: {held(chosen)}.</p>}
          <Choice label="Works" value={life} options={LIVES} onChange={setLife} />
          <Field
            label="Sites that may frame it"
            value={origins}
            onInput={setOrigins}
            placeholder="https://www.example.com"
            hint="empty: none"
          />
          <button class="primary" type="submit">
            Make a link
          </button>
        </form>
      )}
      <ul class="shares">
        {(found.value?.shares ?? []).map((one) => (
          <li key={one.id}>
            <span>
              made {written(one.created)}, works {one.expires === null ? "for ever" : `until ${written(one.expires)}`}
              {Object.keys(one.variables).length > 0 && `, ${held(new Map(Object.entries(one.variables)))}`}
            </span>
            <span class="number muted">
              {one.views} {one.views === 1 ? "view" : "views"}
            </span>
            <button type="button" class="quiet" onClick={() => void revoke(one.id)}>
              Revoke
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function held(variables: ReadonlyMap<string, string>): string {
  return [...variables].map(([name, value]) => `${name} is ${value === "*" ? "all" : value}`).join(", ");
}

function NewLink({ made, onMore }: { made: NewShare; onMore: () => void }) {
  const base = `${location.origin}/v1/shared/${made.token}`;
  return (
    <div class="stack">
      <p>The link is shown this once.</p>
      <Copied label="the link" text={made.url} block />
      {made.embed_url !== null && (
        <>
          <p class="hint">For pages that may frame it</p>
          <Copied label="the frame" block text={`<iframe src="${made.embed_url}" width="800" height="450" loading="lazy"></iframe>`} />
        </>
      )}
      <p class="hint">The first panel as a badge</p>
      <Copied label="the badge" text={`${base}/badge.svg`} block />
      <p class="hint">and as a sparkline</p>
      <Copied label="the sparkline" text={`${base}/spark.svg`} block />
      <div>
        <button type="button" onClick={onMore}>
          Make another
        </button>
      </div>
    </div>
  );
}
