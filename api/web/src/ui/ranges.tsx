// The control of a time range: presets, back from a zoom, and an exact pair of times.

import { useState } from "preact/hooks";
import { isRolling, PRESETS, rangeParams, type Range } from "../chart/ranges";
import { moment } from "../chart/times";
import { unwall, wall } from "../chart/wall";
import { adjust } from "../router";
import { zone } from "../settings";
import { Choice, Dialog, Field, Segments } from "./parts";

const LONG = new Set<string>(["90d", "1y"]);

export function Ranges({ range }: { range: Range }) {
  const [asking, setAsking] = useState(false);
  const choose = (text: string) => adjust(rangeParams({ last: 1, text }), { replace: false });
  const value = isRolling(range) ? range.text : "fixed";
  const presets = PRESETS.map((one) => [one as string, one as string] as const);
  const known = presets.some(([one]) => one === value);
  const shown = known ? presets : [...presets, [value, isRolling(range) ? value : "Fixed"] as const];
  return (
    <div class="ranges">
      <div class="only-wide">
        <Segments label="Time range" value={value} options={shown} onChange={choose} />
      </div>
      <div class="only-narrow">
        <Choice label="Last" value={value} options={shown} onChange={choose} />
      </div>
      <button type="button" class="quiet" onClick={() => setAsking(true)}>
        {isRolling(range) ? "From–to" : `${moment(range.from, 60)} – ${moment(range.to, 60)}`}
      </button>
      {asking && <Asked range={range} onClose={() => setAsking(false)} />}
    </div>
  );
}

export function isLong(text: string): boolean {
  return LONG.has(text);
}

function Asked({ range, onClose }: { range: Range; onClose: () => void }) {
  const nowS = Date.now() / 1000;
  const [from, setFrom] = useState(local(isRolling(range) ? nowS - range.last : range.from));
  const [to, setTo] = useState(local(isRolling(range) ? nowS : range.to));
  const wrong = !(seconds(from) < seconds(to));
  const use = (event: Event) => {
    event.preventDefault();
    if (wrong) return;
    adjust(rangeParams({ from: seconds(from), to: seconds(to) }), { replace: false });
    onClose();
  };
  return (
    <Dialog title="From – to" onClose={onClose}>
      <form onSubmit={use}>
        <Field label="From" type="datetime-local" value={from} onInput={setFrom} />
        <Field
          label="To"
          type="datetime-local"
          value={to}
          onInput={setTo}
          fault={wrong ? "After the beginning." : undefined}
        />
        <button class="primary" type="submit">
          Show
        </button>
      </form>
    </Dialog>
  );
}

function local(atS: number): string {
  return wall(atS * 1000, zone.value);
}

function seconds(text: string): number {
  return unwall(text, zone.value) / 1000;
}
