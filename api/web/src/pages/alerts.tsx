// Alerts, and all that belongs to them: channels, silences, what was sent.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { ago } from "../chart/times";
import { adjust, params } from "../router";
import { edits } from "../session";
import { useAlerts } from "../live/news";
import { useLoaded } from "../ui/loaded";
import { Segments } from "../ui/parts";
import { complain } from "../ui/toasts";
import { AlertForm } from "./alert_form";
import { asked, type Alert } from "./alert_models";
import { State } from "./alert_state";
import { Channels } from "./channels";
import { Deliveries } from "./deliveries";
import { Listing } from "./listing";
import { Silences } from "./silences";

const TABS = [
  ["", "Alerts"],
  ["channels", "Channels"],
  ["silences", "Silences"],
  ["deliveries", "Deliveries"],
] as const;

export function Alerts({ tab }: { tab: string }) {
  return (
    <section class="page">
      <header class="page-head">
        <h1>Alerts</h1>
      </header>
      <nav class="tabs" aria-label="Alerts">
        {TABS.map(([to, name]) => (
          <a key={to} href={to === "" ? "/alerts" : `/alerts/${to}`} data-page aria-current={to === tab ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      {tab === "channels" ? <Channels /> : tab === "silences" ? <Silences /> : tab === "deliveries" ? <Deliveries /> : <List />}
    </section>
  );
}

export function isTab(text: string | null): text is string {
  return TABS.some(([name]) => name === text);
}

const STATES = [
  ["", "All"],
  ["FIRING", "Firing"],
  ["PENDING", "Pending"],
  ["NO_DATA", "No data"],
  ["OK", "OK"],
] as const;

type Filter = (typeof STATES)[number][0];

function List() {
  const state = STATES.find(([one]) => one === params.value.get("state"))?.[0] ?? "";
  const found = useLoaded(
    (signal) => call<{ alerts: Alert[] }>("GET", "/v1/alerts", { params: { limit: 1_000, state }, signal }).then((one) => one.alerts),
    [state],
  );
  const [making, setMaking] = useState(false);
  useAlerts(found.again);
  const acknowledge = async (one: Alert) => {
    try {
      await call("POST", `/v1/alerts/${one.id}/ack`, { body: {} });
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <>
      <div class="controls">
        {edits.value && (
          <button type="button" class="primary" onClick={() => setMaking(true)}>
            New alert
          </button>
        )}
        <Segments<Filter> label="State" value={state} options={STATES} onChange={(value) => adjust({ state: value || null })} />
      </div>
      <Listing
        label="Alerts"
        found={found}
        empty={state === "" ? "No alert yet. One tells you when a number leaves the range you expect." : "None stands so."}
        columns={[
          { name: "State", of: (one) => <State state={one.enabled ? one.state : "OFF"} /> },
          {
            name: "Alert",
            of: (one) => (
              <a href={`/alerts/${one.id}`} data-page>
                {one.name}
              </a>
            ),
          },
          { name: "Fires when", of: asked },
          { name: "Severity", of: (one) => one.severity },
          { name: "Stats", of: (one) => one.watching, numeric: true },
          { name: "Since", of: (one) => ago(one.states[0]?.since ?? null, Date.now()), numeric: true },
          { name: "Do", of: (one) => <Answer one={one} onAcknowledge={() => void acknowledge(one)} />, numeric: true },
        ]}
      />
      {making && <AlertForm onClose={() => setMaking(false)} onDone={found.again} />}
    </>
  );
}

function Answer({ one, onAcknowledge }: { one: Alert; onAcknowledge: () => void }) {
  const firing = one.states.filter((instance) => instance.state === "FIRING");
  if (firing.length === 0) return null;
  if (firing.every((instance) => instance.acknowledged !== null)) return <span class="muted">acknowledged</span>;
  return (
    <button type="button" class="quiet" aria-label={`Acknowledge ${one.name}`} onClick={onAcknowledge}>
      Acknowledge
    </button>
  );
}
