// One alert: how it stands, its line on the chart, what happened, and what to do now.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { rangeOf, rangeParams, widthOf } from "../chart/ranges";
import { StatChart } from "../chart/stat_chart";
import { short } from "../chart/numbers";
import { written } from "../chart/times";
import { adjust, go, params } from "../router";
import { Icon } from "../ui/icon";
import { useLoaded } from "../ui/loaded";
import { Trouble } from "../ui/parts";
import { Ranges } from "../ui/ranges";
import { complain, say } from "../ui/toasts";
import { AlertForm } from "./alert_form";
import { asked, episodes, type Alert, type Instance, type Transition } from "./alert_models";
import { State } from "./alerts";
import { Explained } from "./explained";
import { Listing } from "./listing";
import type { Stat } from "../api/models";

const AGAIN_MS = 3_000;
const HISTORY_MAX = 200;

export function AlertPage({ id }: { id: string }) {
  const path = `/v1/alerts/${encodeURIComponent(id)}`;
  const found = useLoaded((signal) => call<Alert>("GET", path, { signal }), [id]);
  const history = useLoaded(
    (signal) =>
      call<{ transitions: Transition[] }>("GET", `${path}/history`, { params: { limit: HISTORY_MAX }, signal }).then((one) =>
        one.transitions.map((step) => ({ ...step, id: `${step.at} ${step.seq} ${step.stat_name ?? ""}` })),
      ),
    [id, found.value?.state],
  );
  const [editing, setEditing] = useState(false);
  useEffect(() => {
    const timer = setInterval(found.again, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const alert = found.value;
  if (!alert) return <section class="page">{found.problem && <Trouble problem={found.problem} again={found.again} />}</section>;
  const act = async (what: "ack" | "snooze", body: Record<string, unknown>) => {
    try {
      await call("POST", `${path}/${what}`, { body });
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  const remove = async () => {
    try {
      await call("DELETE", path);
      say(`${alert.name} is removed.`);
      go("/alerts");
    } catch (error) {
      complain(error);
    }
  };
  const set = async (enabled: boolean) => {
    try {
      await call("PATCH", path, { body: { enabled } });
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  const watched = alert.states.find((one) => one.stat === params.value.get("stat")) ?? alert.states[0];
  const acknowledged = alert.states.some((one) => one.acknowledged !== null);
  const snoozed = alert.states.some((one) => one.snoozed_until !== null);
  return (
    <section class="page">
      <header class="page-head">
        <a class="icon-button" href="/alerts" data-page aria-label="All alerts">
          <Icon name="back" />
        </a>
        <h1 class="name">{alert.name}</h1>
        <State state={alert.enabled ? alert.state : "OFF"} />
        <div class="actions">
          {acknowledged ? (
            <button type="button" onClick={() => void act("ack", { undo: true })}>
              Take back
            </button>
          ) : (
            <button type="button" disabled={alert.state !== "FIRING"} onClick={() => void act("ack", {})}>
              Acknowledge
            </button>
          )}
          {snoozed ? (
            <button type="button" onClick={() => void act("snooze", { undo: true })}>
              Wake
            </button>
          ) : (
            <Snooze onPick={(span) => void act("snooze", { for: span })} />
          )}
          <button type="button" class="quiet" onClick={() => setEditing(true)}>
            <Icon name="pen" />
            Edit
          </button>
          <button type="button" class="quiet" onClick={() => void set(!alert.enabled)}>
            {alert.enabled ? "Switch off" : "Switch on"}
          </button>
          <button type="button" class="quiet" onClick={() => void remove()}>
            <Icon name="bin" />
            Remove
          </button>
        </div>
      </header>
      <p class="muted">Fires when {asked(alert)}.</p>
      {watched && <Watched alert={alert} instance={watched} history={history.value ?? []} />}
      {watched && <Explained alert={alert} instance={watched} />}
      <h2>Stats</h2>
      <Listing
        label="Stats"
        found={{ value: alert.states.map((one) => ({ ...one, id: one.stat })), problem: null, again: found.again }}
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
              <button type="button" class="quiet" aria-pressed={one.stat === watched?.stat} onClick={() => adjust({ stat: one.stat })}>
                Explain
              </button>
            ),
          },
          { name: "Since", of: (one) => written(one.since), numeric: true },
          { name: "Acknowledged", of: (one) => one.acknowledged ?? "" },
          { name: "Snoozed until", of: (one) => (one.snoozed_until === null ? "" : written(one.snoozed_until)), numeric: true },
        ]}
      />
      <h2>What happened</h2>
      <Listing
        label="History"
        found={history}
        empty="Nothing yet."
        columns={[
          { name: "When", of: (one) => <span class="number">{written(one.at)}</span> },
          { name: "Stat", of: (one) => one.stat_name ?? "" },
          { name: "From", of: (one) => <State state={one.from_state} /> },
          { name: "To", of: (one) => <State state={one.to_state} /> },
          { name: "Value", of: (one) => short(one.value), numeric: true },
          { name: "Why", of: (one) => one.reason },
          { name: "Held back by", of: (one) => one.held ?? "" },
        ]}
      />
      {editing && <AlertForm alert={alert} onClose={() => setEditing(false)} onDone={found.again} />}
    </section>
  );
}

const SPANS = [
  ["", "Snooze"],
  ["20m", "20 minutes"],
  ["1h", "an hour"],
  ["4h", "4 hours"],
  ["1d", "a day"],
  ["7d", "a week"],
] as const;

function Snooze({ onPick }: { onPick: (span: string) => void }) {
  return (
    <select aria-label="Snooze" value="" onChange={(event) => event.currentTarget.value !== "" && onPick(event.currentTarget.value)}>
      {SPANS.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

function Watched({ alert, instance, history }: { alert: Alert; instance: Instance; history: readonly Transition[] }) {
  const range = rangeOf(params.value, "6h");
  const stat = useLoaded((signal) => call<Stat>("GET", `/v1/stats/${instance.stat}`, { signal }), [instance.stat]);
  if (!stat.value) return null;
  const ofWindow = alert.window !== null && widthOf(alert.window) > 0;
  return (
    <>
      <div class="controls">
        <Ranges range={range} />
      </div>
      <StatChart
        stat={stat.value}
        range={range}
        resolution={null}
        aggregates={["value"]}
        compare={null}
        marks={episodes(history.filter((one) => one.stat === instance.stat).reverse())}
        thresholds={ofWindow && alert.threshold !== null ? [alert.threshold] : []}
        height={260}
        onZoom={(from, to) => adjust(rangeParams({ from, to }), { replace: false })}
      />
    </>
  );
}
