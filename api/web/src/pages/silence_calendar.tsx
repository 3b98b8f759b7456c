// The coming five weeks, and when messages are held back in them.

import { wall } from "../chart/wall";
import { zone } from "../settings";
import { heldBack, type Silence } from "./alert_models";
import { byDay, weeksFrom, type Placed } from "./calendar";

const WEEKS = 5;
const SHOWN_MAX = 4;
const NAMES = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

export function SilenceCalendar({ silences }: { silences: readonly Silence[] }) {
  const today = wall(Date.now(), zone.value).slice(0, 10);
  const days = weeksFrom(today, WEEKS);
  const spans = silences.flatMap((one) =>
    one.coming.map((time) => ({ id: one.id, text: one.note || heldBack(one), from: Date.parse(time.from), until: Date.parse(time.until) })),
  );
  const placed = byDay(spans, zone.value, days.at(-1) ?? today);
  return (
    <section aria-label="Calendar">
      <h2>The next five weeks</h2>
      <div class="calendar-head" aria-hidden="true">
        {NAMES.map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <ol class="calendar">
        {days.map((day) => (
          <Day key={day} day={day} today={today} placed={placed.get(day) ?? []} />
        ))}
      </ol>
      <p class="hint">Times are of {zone.value}.</p>
    </section>
  );
}

function Day({ day, today, placed }: { day: string; today: string; placed: readonly Placed[] }) {
  const state = day === today ? " calendar-today" : day < today ? " calendar-past" : "";
  const over = placed.length - SHOWN_MAX;
  return (
    <li class={`calendar-day${placed.length === 0 ? " calendar-free" : ""}${state}`}>
      <time dateTime={day} aria-current={day === today ? "date" : undefined}>
        {named(day)}
      </time>
      {placed.slice(0, SHOWN_MAX).map((one, index) => (
        <span key={index} class="calendar-span" title={one.text}>
          <span class="number">{times(one)}</span> {one.text}
        </span>
      ))}
      {over > 0 && <small>and {over} more</small>}
    </li>
  );
}

function named(day: string): string {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });
  return format.format(Date.parse(day));
}

function times({ from, until }: Placed): string {
  if (from === null) return until === null ? "all day" : `until ${until}`;
  return until === null ? `from ${from}` : `${from}–${until}`;
}
