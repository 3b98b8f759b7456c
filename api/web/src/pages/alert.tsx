// One alert: how it stands, its line on the chart, what happened, and what to do now.

import { useEffect } from "preact/hooks";
import { call } from "../api/client";
import type { Mark } from "../chart/chart";
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
import { asked, type Alert, type Instance, type Transition } from "./alert_models";
import { State } from "./alerts";
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
  const watched = alert.states[0];
  return (
    <section class="page">
      <header class="page-head">
        <a class="icon-button" href="/alerts" data-page aria-label="All alerts">
          <Icon name="back" />
        </a>
        <h1 class="name">{alert.name}</h1>
        <State state={alert.enabled ? alert.state : "OFF"} />
        <div class="actions">
          <button type="button" onClick={() => void act("ack", {})}>
            Acknowledge
          </button>
          <button type="button" onClick={() => void act("snooze", { for: "1h" })}>
            Snooze 1 h
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
    </section>
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
        marks={episodes(history.filter((one) => one.stat_name === instance.stat_name))}
        thresholds={ofWindow && alert.threshold !== null ? [alert.threshold] : []}
        height={260}
        onZoom={(from, to) => adjust(rangeParams({ from, to }), { replace: false })}
      />
    </>
  );
}

/** Times in which an alert fired, from its transitions, newest first. */
export function episodes(history: readonly Transition[]): Mark[] {
  const marks: Mark[] = [];
  let began: number | null = null;
  for (const step of [...history].reverse()) {
    const at = Date.parse(step.at) / 1000;
    if (step.to_state === "FIRING") began ??= at;
    else if (began !== null && (step.to_state === "OK" || step.to_state === "NO_DATA")) {
      marks.push({ id: `${began}`, at: began, until: at, label: "fired", kind: "alarm" });
      began = null;
    }
  }
  if (began !== null) marks.push({ id: `${began}`, at: began, until: Date.now() / 1000, label: "fires", kind: "alarm" });
  return marks;
}
