// Where alerts are sent to.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { edits } from "../session";
import { useLoaded } from "../ui/loaded";
import { Sure } from "../ui/sure";
import { complain, say } from "../ui/toasts";
import type { Channel } from "./alert_models";
import { ChannelForm } from "./channel_form";
import { Listing } from "./listing";

interface Outcome {
  ok: boolean;
  said: string;
  took_ms: number;
}

export function useChannels() {
  return useLoaded(
    (signal) => call<{ channels: Channel[] }>("GET", "/v1/channels", { signal }).then((one) => one.channels),
    [],
  );
}

export function Channels() {
  const found = useChannels();
  const [making, setMaking] = useState(false);
  const [changing, setChanging] = useState<Channel | null>(null);
  const at = (one: Channel) => `/v1/channels/${encodeURIComponent(one.id)}`;
  const act = async (said: string, what: () => Promise<unknown>) => {
    try {
      await what();
      say(said);
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <>
      {edits.value && (
        <button type="button" class="primary start" onClick={() => setMaking(true)}>
          New channel
        </button>
      )}
      <Listing
        label="Channels"
        found={found}
        empty="No channel: alerts are only seen here."
        columns={[
          { name: "Name", of: (one) => one.name },
          { name: "Type", of: (one) => (one.body === null || one.body === "statflow" ? one.type : `${one.type} (${one.body})`) },
          { name: "To", of: (one) => one.url ?? one.address ?? "" },
          { name: "Status", of: (one) => one.status },
          { name: "Test", of: (one) => <Test path={at(one)} name={one.name} able={one.enabled && one.confirmed} /> },
          {
            name: "Do",
            of: (one) => (
              <>
                <button type="button" class="quiet" onClick={() => setChanging(one)}>
                  Edit
                </button>
                <button
                  type="button"
                  class="quiet"
                  onClick={() =>
                    void act(`${one.name} is ${one.enabled ? "off" : "on"}.`, () => call("PATCH", at(one), { body: { enabled: !one.enabled } }))
                  }
                >
                  {one.enabled ? "Switch off" : "Switch on"}
                </button>
                <Sure verb="Remove" name={one.name} onSure={() => void act(`${one.name} is removed.`, () => call("DELETE", at(one)))} />
              </>
            ),
            numeric: true,
          },
        ]}
      />
      {making && <ChannelForm onClose={() => setMaking(false)} onDone={found.again} />}
      {changing && <ChannelForm channel={changing} onClose={() => setChanging(null)} onDone={found.again} />}
    </>
  );
}

/** Sends a message now and says what was answered. */
function Test({ path, name, able }: { path: string; name: string; able: boolean }) {
  const [outcome, setOutcome] = useState<Outcome | "under way" | null>(null);
  const test = async () => {
    setOutcome("under way");
    try {
      setOutcome(await call<Outcome>("POST", `${path}/test`));
    } catch (error) {
      setOutcome(null);
      complain(error);
    }
  };
  return (
    <>
      <button type="button" aria-label={`Test ${name}`} disabled={!able || outcome === "under way"} onClick={() => void test()}>
        Test
      </button>{" "}
      <span role="status">
        {outcome === "under way" && "on its way"}
        {outcome !== null && outcome !== "under way" && (
          <span class={outcome.ok ? "outcome-good" : "outcome-bad"}>
            {outcome.ok ? "arrived" : "did not arrive"}: {outcome.said}, {outcome.took_ms} ms
          </span>
        )}
      </span>
    </>
  );
}
