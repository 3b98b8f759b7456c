// Where alerts are sent to.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { useLoaded } from "../ui/loaded";
import { Choice, Copied, Dialog, Field } from "../ui/parts";
import { complain, say } from "../ui/toasts";
import type { Channel } from "./alert_models";
import { Listing } from "./listing";

type Kind = "webhook" | "email";

export function useChannels() {
  return useLoaded(
    (signal) => call<{ channels: Channel[] }>("GET", "/v1/channels", { signal }).then((one) => one.channels),
    [],
  );
}

export function Channels() {
  const found = useChannels();
  const [making, setMaking] = useState(false);
  const at = (one: Channel) => `/v1/channels/${encodeURIComponent(one.id)}`;
  const test = async (one: Channel) => {
    try {
      const { ok, said, took_ms } = await call<{ ok: boolean; said: string; took_ms: number }>("POST", `${at(one)}/test`);
      say(`${one.name}: ${ok ? "it arrived" : "it did not arrive"} (${said}, ${took_ms} ms)`);
    } catch (error) {
      complain(error);
    }
  };
  const remove = async (one: Channel) => {
    try {
      await call("DELETE", at(one));
      say(`${one.name} is removed.`);
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <>
      <button type="button" class="primary start" onClick={() => setMaking(true)}>
        New channel
      </button>
      <Listing
        label="Channels"
        found={found}
        empty="No channel: alerts are only seen here."
        columns={[
          { name: "Name", of: (one) => one.name },
          { name: "Type", of: (one) => one.type },
          { name: "To", of: (one) => one.url ?? one.address ?? "" },
          { name: "Status", of: (one) => one.status },
          {
            name: "Try",
            of: (one) => (
              <>
                <button type="button" class="quiet" onClick={() => void test(one)}>
                  Test
                </button>
                <button type="button" class="quiet" onClick={() => void remove(one)}>
                  Remove
                </button>
              </>
            ),
            numeric: true,
          },
        ]}
      />
      {making && <Make onClose={() => setMaking(false)} onDone={found.again} />}
    </>
  );
}

function Make({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [type, setType] = useState<Kind>("webhook");
  const [name, setName] = useState("");
  const [to, setTo] = useState("");
  const [secret, setSecret] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      const body = { type, name, ...(type === "webhook" ? { url: to } : { address: to }) };
      const made = await call<{ secret?: string | null }>("POST", "/v1/channels", { body });
      onDone();
      if (made.secret) setSecret(made.secret);
      else onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  if (secret !== null) {
    return (
      <Dialog title="The channel's secret" onClose={onClose}>
        <p>It signs every message. It is shown this once.</p>
        <Copied block label="the secret" text={secret} />
      </Dialog>
    );
  }
  return (
    <Dialog title="New channel" onClose={onClose}>
      <form onSubmit={(event) => void make(event)}>
        <Choice<Kind>
          label="Type"
          value={type}
          options={[
            ["webhook", "Webhook"],
            ["email", "E-mail"],
          ]}
          onChange={setType}
        />
        <Field label="Name" value={name} onInput={setName} required autofocus fault={problem?.of("name")} />
        <Field
          label={type === "webhook" ? "Address (https)" : "E-mail"}
          value={to}
          onInput={setTo}
          required
          fault={problem?.of("url") ?? problem?.of("address") ?? problem?.detail}
        />
        <button class="primary" type="submit">
          Make it
        </button>
      </form>
    </Dialog>
  );
}
