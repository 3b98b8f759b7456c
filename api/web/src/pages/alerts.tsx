// Alerts, and all that belongs to them: channels, silences, what was sent.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { ago, written } from "../chart/times";
import { useLoaded } from "../ui/loaded";
import { complain, say } from "../ui/toasts";
import { AlertForm } from "./alert_form";
import { asked, type Alert, type Delivery } from "./alert_models";
import { Channels } from "./channels";
import { Listing } from "./listing";
import { Silences } from "./silences";

const TABS = [
  ["", "Alerts"],
  ["channels", "Channels"],
  ["silences", "Silences"],
  ["deliveries", "Deliveries"],
] as const;

const AGAIN_MS = 5_000;

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

function List() {
  const found = useLoaded(
    (signal) => call<{ alerts: Alert[] }>("GET", "/v1/alerts", { params: { limit: 1_000 }, signal }).then((one) => one.alerts),
    [],
  );
  const [making, setMaking] = useState(false);
  useEffect(() => {
    const timer = setInterval(found.again, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <button type="button" class="primary start" onClick={() => setMaking(true)}>
        New alert
      </button>
      <Listing
        label="Alerts"
        found={found}
        empty="No alert yet. One tells you when a number leaves the range you expect."
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
          { name: "Stats", of: (one) => one.watching, numeric: true },
          { name: "Since", of: (one) => ago(one.states[0]?.since ?? null, Date.now()), numeric: true },
        ]}
      />
      {making && <AlertForm onClose={() => setMaking(false)} onDone={found.again} />}
    </>
  );
}

export function State({ state }: { state: string }) {
  return <span class={`alert-state alert-${state.toLowerCase()}`}>{state.toLowerCase().replace("_", " ")}</span>;
}

function Deliveries() {
  const found = useLoaded(
    (signal) => call<{ deliveries: Delivery[] }>("GET", "/v1/deliveries", { signal }).then((one) => one.deliveries),
    [],
  );
  const retry = async (id: string) => {
    try {
      await call("POST", `/v1/deliveries/${encodeURIComponent(id)}/retry`);
      say("It is sent again.");
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Listing
      label="Deliveries"
      found={found}
      empty="Nothing was sent yet."
      columns={[
        { name: "When", of: (one) => <span class="number">{written(one.created)}</span> },
        { name: "State", of: (one) => one.state },
        { name: "What", of: (one) => `${one.event} ${one.stat ?? ""}` },
        { name: "Channel", of: (one) => one.channel },
        { name: "Tries", of: (one) => one.tries, numeric: true },
        { name: "Why", of: (one) => one.reason },
        {
          name: "Again",
          of: (one) =>
            one.state === "dead" ? (
              <button type="button" class="quiet" onClick={() => void retry(one.id)}>
                Send again
              </button>
            ) : null,
          numeric: true,
        },
      ]}
    />
  );
}
