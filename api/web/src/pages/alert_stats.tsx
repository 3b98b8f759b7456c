// How an alert stands with each of its stats, and what can be said to one of them.

import { written } from "../chart/times";
import { adjust } from "../router";
import type { Alert, Instance } from "./alert_models";
import { State } from "./alert_state";
import { Listing } from "./listing";
import { Snooze } from "./snooze";

export type Act = (what: "ack" | "snooze", body: Record<string, unknown>) => void;

interface AlertStatsProps {
  alert: Alert;
  /** The stat whose state is explained. */
  shown: Instance | undefined;
  act: Act;
  again: () => void;
}

export function AlertStats({ alert, shown, act, again }: AlertStatsProps) {
  const hidden = alert.watching - alert.states.length;
  return (
    <>
      <h2>Stats</h2>
      <Listing
        label="Stats"
        found={{ value: alert.states.map((one) => ({ ...one, id: one.stat })), problem: null, again }}
        empty="No stat fits yet."
        columns={[
          { name: "State", of: (one) => <State state={one.state} /> },
          {
            name: "Stat",
            of: (one) => (
              <a href={`/stats/${one.stat}`} data-page>
                {one.stat_name ?? one.stat}
              </a>
            ),
          },
          {
            name: "Why",
            of: (one) => (
              <button type="button" class="quiet" aria-pressed={one.stat === shown?.stat} onClick={() => adjust({ stat: one.stat, at: null })}>
                Explain
              </button>
            ),
          },
          { name: "Since", of: (one) => written(one.since), numeric: true },
          { name: "Acknowledged by", of: (one) => one.acknowledged ?? "" },
          { name: "Snoozed until", of: (one) => (one.snoozed_until === null ? "" : written(one.snoozed_until)), numeric: true },
          // With one stat the buttons above say the same.
          ...(alert.states.length > 1 ? [{ name: "Do", of: (one: Instance) => <Answers one={one} act={act} />, numeric: true }] : []),
        ]}
      />
      {hidden > 0 && <p class="hint">And {hidden} more that stand no worse.</p>}
    </>
  );
}

function Answers({ one, act }: { one: Instance; act: Act }) {
  const name = one.stat_name ?? one.stat;
  return (
    <>
      {one.acknowledged !== null ? (
        <button type="button" class="quiet" aria-label={`Take back for ${name}`} onClick={() => act("ack", { stat: one.stat, undo: true })}>
          Take back
        </button>
      ) : (
        one.state === "FIRING" && (
          <button type="button" class="quiet" aria-label={`Acknowledge ${name}`} onClick={() => act("ack", { stat: one.stat })}>
            Acknowledge
          </button>
        )
      )}
      {one.snoozed_until !== null ? (
        <button type="button" class="quiet" aria-label={`Wake ${name}`} onClick={() => act("snooze", { stat: one.stat, undo: true })}>
          Wake
        </button>
      ) : (
        <Snooze label={`Snooze ${name}`} onPick={(span) => act("snooze", { stat: one.stat, for: span })} />
      )}
    </>
  );
}
