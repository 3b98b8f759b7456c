// What happened to an alert, page by page.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { short } from "../chart/numbers";
import { written } from "../chart/times";
import { adjust } from "../router";
import { useLoaded } from "../ui/loaded";
import { Pager } from "../ui/pager";
import type { Transition } from "./alert_models";
import { State } from "./alert_state";
import { Listing } from "./listing";

const PAGE = 200;

export interface Step extends Transition {
  id: string;
}

interface Page {
  transitions: Step[];
  next: string | null;
}

/** A page of the history; asked again whenever `of` changes. */
export function useHistory(path: string, cursor: string | null, of: unknown) {
  return useLoaded(
    (signal) =>
      call<{ transitions: Transition[]; next: string | null }>("GET", `${path}/history`, { params: { limit: PAGE, cursor }, signal }).then(
        ({ transitions, next }): Page => ({ transitions: transitions.map((step) => ({ ...step, id: `${step.stat} ${step.seq}` })), next }),
      ),
    [path, cursor, of],
  );
}

export function History({ path, state }: { path: string; state: string }) {
  const [cursor, setCursor] = useState<string | null>(null);
  const page = useHistory(path, cursor, state);
  return (
    <>
      <h2>What happened</h2>
      <Listing
        label="History"
        found={{ ...page, value: page.value?.transitions ?? null }}
        empty="Nothing yet."
        columns={[
          { name: "When", of: (one) => <span class="number">{written(one.at)}</span> },
          { name: "Stat", of: (one) => one.stat_name ?? "" },
          { name: "From", of: (one) => <State state={one.from_state} /> },
          { name: "To", of: (one) => <State state={one.to_state} /> },
          { name: "Value", of: (one) => short(one.value), numeric: true },
          { name: "Why", of: (one) => one.reason },
          {
            name: "More",
            of: (one) => (
              <button type="button" class="quiet" aria-label={`Explain ${written(one.at)}`} onClick={() => adjust({ stat: one.stat, at: one.at })}>
                Explain
              </button>
            ),
          },
          { name: "Held back by", of: (one) => one.held ?? "" },
        ]}
      />
      <Pager cursor={cursor} next={page.value?.next ?? null} onTurn={setCursor} />
    </>
  );
}
