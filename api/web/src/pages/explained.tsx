// Why an alert stands as it does with one stat: what it looks at, its timers, and who was told.

import { call } from "../api/client";
import { exact } from "../chart/numbers";
import { written } from "../chart/times";
import { adjust } from "../router";
import { useLoaded } from "../ui/loaded";
import { Trouble } from "../ui/parts";
import type { Alert, Explanation, Instance, Told } from "./alert_models";
import { useChannels } from "./channels";
import { Listing } from "./listing";

interface ExplainedProps {
  alert: Alert;
  instance: Instance;
  /** A moment of the past; null for now. */
  at: string | null;
}

export function Explained({ alert, instance, at }: ExplainedProps) {
  const found = useLoaded(
    (signal) => call<Explanation>("GET", `/v1/alerts/${alert.id}/explain`, { params: { stat: instance.stat, at }, signal }),
    // Asked again with every look at the alert, and so as often as its page.
    [alert, instance.stat, at],
  );
  if (found.problem) return <Trouble problem={found.problem} again={found.again} />;
  const one = found.value;
  if (!one) return null;
  return (
    <section aria-label="Why">
      <h2>
        Why it {at === null ? "is" : "was"} {one.state.toLowerCase().replace("_", " ")}
      </h2>
      {at !== null && (
        <p class="controls">
          <span class="muted number">{written(at)}</span>
          <button type="button" class="quiet" onClick={() => adjust({ at: null })}>
            Now
          </button>
        </p>
      )}
      {one.reason !== "" && <p>{one.reason}</p>}
      <dl class="figures">
        {facts(one).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="number">{value}</dd>
          </div>
        ))}
      </dl>
      {one.deliveries.length > 0 && <Messages told={one.deliveries} />}
    </section>
  );
}

function facts(one: Explanation): [string, string][] {
  const given: (readonly [string, string | null])[] = [
    ["value", number(one.value)],
    ["compared with", number(one.base)],
    ["threshold", number(one.threshold)],
    ["points in the window", number(one.points)],
    ["window from", one.window_from === null ? null : written(one.window_from)],
    ["since", one.since === null ? null : written(one.since)],
    ["next look without a point", one.next_look === null ? null : written(one.next_look)],
    ["held back by", one.held],
    ["with late points", one.revised === null ? null : `${number(one.revised.value_now) ?? "nothing"}, ${one.revised.points_now} points`],
    ["acknowledged", one.acknowledged],
    ["trouble", one.failed ? "it could not be judged" : null],
  ];
  return given.filter((fact): fact is [string, string] => fact[1] !== null);
}

function number(value: number | null): string | null {
  return value === null ? null : exact(value, null);
}

function Messages({ told }: { told: readonly Told[] }) {
  const channels = useChannels().value ?? [];
  return (
    <Listing
      label="Messages of this episode"
      found={{ value: told.map((one) => ({ ...one, id: one.delivery })), problem: null, again: () => undefined }}
      empty=""
      columns={[
        { name: "Message", of: (one) => one.event },
        { name: "Channel", of: (one) => channels.find((channel) => channel.id === one.channel)?.name ?? one.channel },
        { name: "State", of: (one) => one.state },
        { name: "Tries", of: (one) => one.attempts.length, numeric: true },
        { name: "Answer", of: (one) => one.attempts[one.attempts.length - 1]?.said ?? one.reason },
      ]}
    />
  );
}
