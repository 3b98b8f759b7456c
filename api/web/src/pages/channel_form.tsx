// A channel, new or changed; its secret is shown once.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { Choice, Copied, Dialog, Field } from "../ui/parts";
import { say } from "../ui/toasts";
import type { Channel } from "./alert_models";

type Kind = "webhook" | "email" | "apprise";

const KINDS: readonly (readonly [Kind, string])[] = [
  ["webhook", "Webhook"],
  ["email", "E-mail"],
  ["apprise", "Apprise"],
];

const BODIES = [
  ["statflow", "StatFlow's own"],
  ["slack", "Slack"],
  ["discord", "Discord"],
  ["alertmanager", "Alertmanager"],
  ["pagerduty", "PagerDuty"],
] as const;

type Body = (typeof BODIES)[number][0];

const TARGETS: Record<Kind, string> = { webhook: "Address (https)", email: "E-mail", apprise: "Service, as Apprise writes it" };

interface ChannelFormProps {
  /** The channel to change; without it a new one is made. */
  channel?: Channel;
  onClose: () => void;
  onDone: () => void;
}

export function ChannelForm({ channel, onClose, onDone }: ChannelFormProps) {
  const [kind, setKind] = useState<Kind>((channel?.type as Kind | undefined) ?? "webhook");
  const [name, setName] = useState(channel?.name ?? "");
  const before = channel?.url ?? channel?.address ?? "";
  const [to, setTo] = useState(before);
  const [body, setBody] = useState<Body>((channel?.body as Body | null | undefined) ?? "statflow");
  const [key, setKey] = useState("");
  const [secret, setSecret] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const placed = ["name", "url", "address", "routing_key"].some((field) => problem?.of(field) !== undefined);
  const paged = kind === "webhook" && body === "pagerduty";
  const keep = async (event: Event, rotate = false) => {
    event.preventDefault();
    // What was not touched is not said: an address that is said again may have to be confirmed again.
    const said = {
      ...(name !== channel?.name ? { name } : {}),
      ...(to !== before ? { [kind === "email" ? "address" : "url"]: to } : {}),
      ...(kind === "webhook" && body !== (channel?.body ?? null) ? { body } : {}),
      ...(paged && key !== "" ? { routing_key: key } : {}),
      ...(rotate ? { rotate_secret: true } : {}),
    };
    try {
      const made = channel
        ? await call<{ secret?: string | null }>("PATCH", `/v1/channels/${encodeURIComponent(channel.id)}`, { body: said })
        : await call<{ secret?: string | null }>("POST", "/v1/channels", { body: { type: kind, ...said } });
      say(channel ? `${name} is changed.` : `${name} is there.`);
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
    <Dialog title={channel ? "Change the channel" : "New channel"} onClose={onClose}>
      <form onSubmit={(event) => void keep(event)}>
        {!channel && <Choice<Kind> label="Type" value={kind} options={KINDS} onChange={setKind} />}
        <Field label="Name" value={name} onInput={setName} required autofocus fault={problem?.of("name")} />
        <Field
          label={TARGETS[kind]}
          value={to}
          onInput={setTo}
          required={!channel && !paged}
          fault={problem?.of("url") ?? problem?.of("address")}
          {...(kind === "email" ? { hint: "An address that is not a member's is asked first." } : {})}
        />
        {kind === "webhook" && <Choice<Body> label="Written for" value={body} options={BODIES} onChange={setBody} />}
        {paged && <Field label="Routing key" value={key} onInput={setKey} required={!channel} fault={problem?.of("routing_key")} />}
        {problem && !placed && (
          <p class="fault" role="alert">
            {problem.detail}
          </p>
        )}
        <div class="actions">
          {channel?.type === "webhook" && !paged && (
            <button type="button" onClick={(event) => void keep(event, true)}>
              Sign with a new secret
            </button>
          )}
          <button class="primary" type="submit">
            {channel ? "Save" : "Make it"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
