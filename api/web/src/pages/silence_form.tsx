// A new silence, or maintenance that comes again.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { wall } from "../chart/wall";
import { zone } from "../settings";
import { useLoaded } from "../ui/loaded";
import { Choice, Dialog, Field } from "../ui/parts";
import { say } from "../ui/toasts";
import type { Alert } from "./alert_models";
import { REPEATS, ruleFrom, type Repeat } from "./calendar";

const WHATS = [
  ["match", "stats by name"],
  ["alert", "one alert"],
  ["warning", "warnings"],
  ["everything", "everything"],
] as const;

type What = (typeof WHATS)[number][0];

const SPANS = [
  ["30m", "30 minutes"],
  ["1h", "an hour"],
  ["2h", "2 hours"],
  ["8h", "8 hours"],
  ["24h", "a day"],
  ["7d", "a week"],
] as const;

type Length = (typeof SPANS)[number][0];

export function SilenceForm({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [what, setWhat] = useState<What>("match");
  const [match, setMatch] = useState("");
  const [alert, setAlert] = useState("");
  const [from, setFrom] = useState("");
  const [length, setLength] = useState<Length>("2h");
  const [repeat, setRepeat] = useState<Repeat>("");
  const [own, setOwn] = useState("");
  const [at, setAt] = useState(zone.value);
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const alerts = useLoaded((signal) => call<{ alerts: Alert[] }>("GET", "/v1/alerts", { params: { limit: 1_000 }, signal }), []);
  const choices = (alerts.value?.alerts ?? []).map((one) => [one.id, one.name] as const);
  const meant = alert || (choices[0]?.[0] ?? "");
  const make = async (event: Event) => {
    event.preventDefault();
    const begin = from || wall(Date.now(), at);
    const rrule = ruleFrom(repeat, begin.slice(0, 10), own);
    const body = {
      ...(what === "match" ? { match } : what === "alert" ? { alerts: [meant] } : what === "warning" ? { severity: "warning" } : { everything: true }),
      ...(from || rrule !== null ? { from: begin, kind: "maintenance" } : {}),
      ...(rrule === null ? {} : { rrule }),
      for: length,
      tz: at,
      note,
    };
    try {
      await call("POST", "/v1/silences", { body });
      say(rrule === null ? "It is held back." : "It is held back, again and again.");
      onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const zones = Intl.supportedValuesOf("timeZone");
  return (
    <Dialog title="Hold back" onClose={onClose}>
      <form onSubmit={(event) => void make(event)}>
        <div class="controls">
          <Choice<What> label="What" value={what} options={WHATS} onChange={setWhat} />
          {what === "alert" && <Choice label="Alert" value={meant} options={choices} onChange={setAlert} />}
        </div>
        {what === "match" && <Field label="Stats" value={match} onInput={setMatch} required autofocus placeholder="web.*" fault={problem?.of("match")} />}
        <div class="fields">
          <Field label="From" type="datetime-local" value={from} onInput={setFrom} hint="empty: now" fault={problem?.of("from")} />
          <Field label="Why" value={note} onInput={setNote} placeholder="moving the database" fault={problem?.of("note")} />
        </div>
        <div class="controls">
          <Choice<Length> label="For" value={length} options={SPANS} onChange={setLength} />
          <Choice<Repeat> label="Comes again" value={repeat} options={REPEATS} onChange={setRepeat} />
          <Choice
            label="Clock of"
            value={at}
            options={["UTC", at, ...zones].filter((one, index, all) => all.indexOf(one) === index).map((one) => [one, one] as const)}
            onChange={setAt}
          />
        </div>
        {repeat === "own" && (
          <Field label="Rule" value={own} onInput={setOwn} required hint="FREQ=MONTHLY;BYDAY=3TU, as calendars write it" fault={problem?.of("rrule")} />
        )}
        {problem && (
          <p class="fault" role="alert">
            {problem.detail}
          </p>
        )}
        <button class="primary" type="submit">
          Hold it back
        </button>
      </form>
    </Dialog>
  );
}
