// What was sent, what waits, what was given up and why; and sending again.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { written } from "../chart/times";
import { adjust, params } from "../router";
import { useLoaded } from "../ui/loaded";
import { Pager } from "../ui/pager";
import { Segments } from "../ui/parts";
import { complain, say } from "../ui/toasts";
import type { Alert, Delivery } from "./alert_models";
import { useChannels } from "./channels";
import { Listing } from "./listing";

const AGAIN_MS = 5_000;
const PAGE = 50;

const STATES = [
  ["", "All"],
  ["pending", "Waiting"],
  ["delivered", "Delivered"],
  ["dead", "Given up"],
  ["held", "Held back"],
] as const;

type State = (typeof STATES)[number][0];

interface Page {
  deliveries: Delivery[];
  next: string | null;
}

export function Deliveries() {
  const state = STATES.find(([one]) => one === params.value.get("state"))?.[0] ?? "";
  const [cursor, setCursor] = useState<string | null>(null);
  const page = useLoaded(
    (signal) => call<Page>("GET", "/v1/deliveries", { params: { state, cursor, limit: PAGE }, signal }),
    [state, cursor],
  );
  const channels = useChannels().value ?? [];
  const alerts = useLoaded((signal) => call<{ alerts: Alert[] }>("GET", "/v1/alerts", { params: { limit: 1_000 }, signal }), []);
  const named = (id: string) => alerts.value?.alerts.find((one) => one.id === id)?.name ?? id;
  const instances = (alerts.value?.alerts ?? []).flatMap((one) => one.states);
  const names = new Map(instances.map((one) => [one.stat, one.stat_name]));
  useEffect(() => {
    const timer = setInterval(page.again, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const retry = async (id: string) => {
    try {
      await call("POST", `/v1/deliveries/${encodeURIComponent(id)}/retry`);
      say("It is sent again.");
      page.again();
    } catch (error) {
      complain(error);
    }
  };
  const choose = (value: State) => {
    setCursor(null);
    adjust({ state: value || null });
  };
  return (
    <>
      <div class="controls">
        <Segments<State> label="State" value={state} options={STATES} onChange={choose} />
      </div>
      <Listing
        label="Deliveries"
        found={{ ...page, value: page.value?.deliveries ?? null }}
        empty="Nothing of that kind."
        columns={[
          { name: "When", of: (one) => <span class="number">{written(one.created)}</span> },
          { name: "State", of: (one) => one.state },
          { name: "Message", of: (one) => one.event },
          {
            name: "Alert",
            of: (one) => (
              <a href={`/alerts/${one.alert}`} data-page>
                {named(one.alert)}
              </a>
            ),
          },
          { name: "Stat", of: (one) => names.get(one.stat ?? "") ?? one.stat ?? "" },
          { name: "Channel", of: (one) => channels.find((channel) => channel.id === one.channel)?.name ?? one.channel },
          { name: "Tries", of: (one) => <Tries delivery={one} /> },
          { name: "Next", of: (one) => (one.next_try === null ? "" : written(one.next_try)), numeric: true },
          {
            name: "Again",
            of: (one) =>
              one.state === "dead" || one.state === "pending" ? (
                <button type="button" class="quiet" onClick={() => void retry(one.id)}>
                  Send again
                </button>
              ) : null,
            numeric: true,
          },
        ]}
      />
      <Pager cursor={cursor} next={page.value?.next ?? null} onTurn={setCursor} />
    </>
  );
}

/** What was answered, folded away; why it ended as it did stands open. */
function Tries({ delivery }: { delivery: Delivery }) {
  const { attempts, reason, tries } = delivery;
  if (attempts.length === 0) return <>{reason}</>;
  return (
    <details>
      <summary>
        {tries}: {reason || (attempts.at(-1)?.said ?? "")}
      </summary>
      <ul>
        {attempts.map((one, index) => (
          <li key={index} class="number">
            {written(one.at)}: {one.said}, {one.took_ms} ms
          </li>
        ))}
      </ul>
    </details>
  );
}
