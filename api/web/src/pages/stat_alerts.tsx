// The alerts that watch a stat: what the chart draws of them, and how they stand.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { Stat } from "../api/models";
import type { Mark } from "../chart/chart";
import { useAlerts } from "../live/news";
import { edits } from "../session";
import { useLoaded } from "../ui/loaded";
import { AlertForm } from "./alert_form";
import { asked, episodes, limits, type Alert, type Transition } from "./alert_models";
import { State } from "./alert_state";
import { ratioOf } from "./alert_target";
import { Listing } from "./listing";

const HISTORY_MAX = 200;

/** Alerts whose episodes are drawn; more would be a carpet. */
const DRAWN_MAX = 5;

export interface Watching {
  alerts: readonly Alert[];
  thresholds: readonly number[];
  marks: readonly Mark[];
  again: () => void;
}

export function useWatching(stat: Stat): Watching {
  const found = useLoaded(async (signal) => {
    const { alerts } = await call<{ alerts: Alert[] }>("GET", "/v1/alerts", { params: { stat: stat.id }, signal });
    const drawn = alerts.slice(0, DRAWN_MAX);
    const histories = await Promise.all(
      drawn.map((one) =>
        call<{ transitions: Transition[] }>("GET", `/v1/alerts/${one.id}/history`, { params: { stat: stat.id, limit: HISTORY_MAX }, signal }),
      ),
    );
    const marks = drawn.flatMap((one, index) => marksOf(one, histories[index]?.transitions ?? []));
    // What a ratio must not pass is no limit of its stats.
    const own = drawn.filter((one) => one.enabled && ratioOf(one) === null);
    return { alerts, marks, thresholds: own.flatMap(limits) };
  }, [stat.id]);
  useAlerts(found.again);
  return { ...(found.value ?? { alerts: [], marks: [], thresholds: [] }), again: found.again };
}

function marksOf(alert: Alert, newestFirst: readonly Transition[]): Mark[] {
  return episodes([...newestFirst].reverse()).map((mark) => ({ ...mark, id: `${alert.id} ${mark.id}`, label: `${alert.name} ${mark.label}` }));
}

export function StatAlerts({ stat, watching }: { stat: Stat; watching: Watching }) {
  const [making, setMaking] = useState(false);
  return (
    <section aria-label="Alerts">
      <div class="controls">
        <h2>Alerts</h2>
        {edits.value && (
          <button type="button" class="quiet" onClick={() => setMaking(true)}>
            New alert
          </button>
        )}
      </div>
      <Listing
        label="Alerts"
        found={{ value: watching.alerts, problem: null, again: watching.again }}
        empty="None watches it."
        columns={[
          { name: "State", of: (one) => <State state={stateOf(one, stat)} /> },
          {
            name: "Alert",
            of: (one) => (
              <a href={`/alerts/${one.id}?stat=${stat.id}`} data-page>
                {one.name}
              </a>
            ),
          },
          { name: "Fires when", of: asked },
        ]}
      />
      {making && <AlertForm stat={stat.name} onClose={() => setMaking(false)} onDone={watching.again} />}
    </section>
  );
}

function stateOf(alert: Alert, stat: Stat): string {
  if (!alert.enabled) return "OFF";
  return alert.states.find((one) => one.stat === stat.id)?.state ?? alert.state;
}
