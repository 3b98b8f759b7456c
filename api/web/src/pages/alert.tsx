// One alert: how it stands, its line on the chart, what happened, and what to do now.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { AGGREGATES, type Aggregate, type Stat } from "../api/models";
import { offered, rangeOf, rangeParams, type Range } from "../chart/ranges";
import { RatioChart } from "../chart/ratio_chart";
import { StatChart } from "../chart/stat_chart";
import { adjust, go, params } from "../router";
import { Icon } from "../ui/icon";
import { useAlerts } from "../live/news";
import { useLoaded } from "../ui/loaded";
import { Trouble } from "../ui/parts";
import { Ranges } from "../ui/ranges";
import { Sure } from "../ui/sure";
import { complain, say } from "../ui/toasts";
import { AlertForm } from "./alert_form";
import { History, useHistory } from "./alert_history";
import { asked, episodes, limits, type Alert, type Instance, type Transition } from "./alert_models";
import { AlertStats } from "./alert_stats";
import { State } from "./alert_state";
import { ratioOf } from "./alert_target";
import { Explained } from "./explained";
import { Snooze } from "./snooze";

export function AlertPage({ id }: { id: string }) {
  const path = `/v1/alerts/${encodeURIComponent(id)}`;
  const found = useLoaded((signal) => call<Alert>("GET", path, { signal }), [id]);
  const history = useHistory(path, null, found.value?.state);
  const [editing, setEditing] = useState(false);
  useAlerts(found.again);
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
            <Snooze label="Snooze" onPick={(span) => void act("snooze", { for: span })} />
          )}
          <button type="button" class="quiet" onClick={() => setEditing(true)}>
            <Icon name="pen" />
            Edit
          </button>
          <button type="button" class="quiet" onClick={() => void set(!alert.enabled)}>
            {alert.enabled ? "Switch off" : "Switch on"}
          </button>
          <Sure verb="Remove" name={alert.name} onSure={() => void remove()} />
        </div>
      </header>
      <p class="muted">Fires when {asked(alert)}.</p>
      {watched && <Watched alert={alert} instance={watched} history={history.value?.transitions ?? []} />}
      {watched && <Explained alert={alert} instance={watched} at={params.value.get("at")} />}
      <AlertStats alert={alert} shown={watched} act={(what, body) => void act(what, body)} again={found.again} />
      <History path={path} state={alert.state} />
      {editing && <AlertForm alert={alert} onClose={() => setEditing(false)} onDone={found.again} />}
    </section>
  );
}

/** Buckets as wide as what is judged, where they can be drawn: finer sums never reach its limit. */
function stepOf(window: string | null, range: Range): string | null {
  return offered(range, Date.now() / 1000).find((one) => one === window) ?? null;
}

function Watched({ alert, instance, history }: { alert: Alert; instance: Instance; history: readonly Transition[] }) {
  const range = rangeOf(params.value, "6h");
  const stat = useLoaded((signal) => call<Stat>("GET", `/v1/stats/${instance.stat}`, { signal }), [instance.stat]);
  if (!stat.value) return null;
  const ratio = ratioOf(alert);
  const names: readonly string[] = AGGREGATES;
  const drawn = names.includes(alert.aggregate ?? "") ? (alert.aggregate as Aggregate) : "value";
  const shared = {
    range,
    resolution: stepOf(alert.window, range),
    marks: episodes(history.filter((one) => one.stat === instance.stat).reverse()),
    thresholds: limits(alert),
    height: 260,
    onZoom: (from: number, to: number) => adjust(rangeParams({ from, to }), { replace: false }),
  };
  return (
    <>
      <div class="controls">
        <Ranges range={range} />
      </div>
      {ratio === null ? (
        <StatChart {...shared} stat={stat.value} aggregates={[alert.kind === "deadman" ? "value" : drawn]} compare={null} />
      ) : (
        <RatioChart {...shared} {...ratio} aggregate={alert.aggregate ?? "sum"} />
      )}
    </>
  );
}
