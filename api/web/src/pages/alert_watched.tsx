// The fields that say what an alert watches: stats one by one, a pattern, or the ratio of two.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { call } from "../api/client";
import type { Stat, StatList } from "../api/models";
import { Icon } from "../ui/icon";
import { useLoaded } from "../ui/loaded";
import { Choice } from "../ui/parts";
import type { PartProps } from "./alert_form";
import { isPattern, isRatio, SCALES, turnedTo } from "./alert_target";

/** The stats that were found for one text after the other, so that each name is looked up once. */
export interface Found {
  /** Those that the text may mean. */
  offered: readonly Stat[];
  known: ReadonlyMap<string, Stat>;
}

export function useFound(text: string): Found {
  const known = useRef(new Map<string, Stat>()).current;
  const found = useLoaded(
    async (signal) => {
      const { stats } = await call<StatList>("GET", "/v1/stats", { params: { q: text, limit: 30 }, signal });
      for (const one of stats) known.set(one.name, one).set(one.id, one);
      return stats;
    },
    [text],
  );
  return { offered: found.value ?? [], known };
}

interface WatchedProps extends PartProps {
  offered: readonly Stat[];
  /** Which of the stats is being written. */
  onWrite: (place: number) => void;
}

const WAYS = [
  ["each", "stats, each for itself"],
  ["ratio", "a ratio of two stats"],
] as const;

export function Watched({ draft, set, problem, offered, onWrite }: WatchedProps) {
  const ratio = isRatio(draft);
  const fault = problem?.of("stat") ?? problem?.of("stats") ?? problem?.of("match") ?? problem?.of("expr");
  const turn = (way: "each" | "ratio") => {
    onWrite(0);
    set({ targets: turnedTo(way === "ratio", draft.targets), scale: way === "ratio" ? "100" : "" });
  };
  const put = (place: number, text: string) => {
    onWrite(place);
    set({ targets: draft.targets.map((one, at) => (at === place ? text : one)) });
  };
  const parts: NamesProps = { targets: draft.targets, fault, put, onWrite };
  return (
    <>
      {draft.kind !== "deadman" && (
        <div class="controls">
          <Choice label="Watches" value={ratio ? "ratio" : "each"} options={WAYS} onChange={turn} />
          {ratio && <Choice<string> label="Ratio in" value={draft.scale} options={scalesFor(draft.scale)} onChange={(scale) => set({ scale })} />}
        </div>
      )}
      <div class="field">
        {ratio ? <Pair {...parts} /> : <Names {...parts} onChange={(targets) => set({ targets })} />}
        {fault !== undefined && (
          <small id="alert-stats-fault" class="fault">
            {fault}
          </small>
        )}
      </div>
      <datalist id="alert-stats">
        {offered.map((one) => (
          <option key={one.id} value={one.name} />
        ))}
      </datalist>
    </>
  );
}

function scalesFor(scale: string): readonly (readonly [string, string])[] {
  return SCALES.some(([one]) => one === scale) ? SCALES : [...SCALES, [scale, `times ${scale}`]];
}

interface NamesProps {
  targets: readonly string[];
  fault: string | undefined;
  put: (place: number, text: string) => void;
  onWrite: (place: number) => void;
}

/** The stat that is divided, and the one that divides it. */
function Pair(props: NamesProps) {
  return (
    <div class="fields">
      <div class="field">
        <label for="alert-stat-0">Stat</label>
        <Name {...props} place={0} placeholder="errors" />
      </div>
      <div class="field">
        <label for="alert-stat-1">Divided by</label>
        <Name {...props} place={1} placeholder="requests" />
      </div>
    </div>
  );
}

/** Stats one below the other; a pattern stands alone. */
function Names({ onChange, ...props }: NamesProps & { onChange: (targets: readonly string[]) => void }) {
  const { targets, onWrite } = props;
  const rows = useRef<HTMLDivElement>(null);
  const [next, setNext] = useState<number | null>(null);
  // Whoever adds or removes one with the keyboard goes on writing where the list has changed.
  useLayoutEffect(() => {
    if (next !== null) rows.current?.querySelectorAll("input")[next]?.focus();
  }, [targets.length]);
  const change = (place: number, changed: readonly string[]) => {
    setNext(place);
    onWrite(place);
    onChange(changed);
  };
  const alone = targets.length === 1 && isPattern(targets[0] ?? "");
  return (
    <>
      <label for="alert-stat-0">Stat</label>
      <div class="targets" ref={rows}>
        {targets.map((one, place) => (
          <div class="target" key={place}>
            <Name
              {...props}
              place={place}
              // The first has a label that everybody sees.
              spoken={place === 0 ? undefined : `Stat ${place + 1}`}
              placeholder={targets.length > 1 ? undefined : "orders.failed, or web.*"}
            />
            {targets.length > 1 && (
              <button
                type="button"
                class="icon-button"
                aria-label={`Remove ${one || `stat ${place + 1}`}`}
                onClick={() => change(Math.max(0, place - 1), targets.filter((_, at) => at !== place))}
              >
                <Icon name="cross" />
              </button>
            )}
          </div>
        ))}
      </div>
      {!alone && (
        <button type="button" class="quiet start" onClick={() => change(targets.length, [...targets, ""])}>
          <Icon name="plus" />
          Add a stat
        </button>
      )}
    </>
  );
}

interface NameProps extends NamesProps {
  place: number;
  spoken?: string | undefined;
  placeholder: string | undefined;
}

function Name({ targets, fault, put, onWrite, place, spoken, placeholder }: NameProps) {
  return (
    <input
      id={`alert-stat-${place}`}
      aria-label={spoken}
      list="alert-stats"
      value={targets[place] ?? ""}
      required
      autocomplete="off"
      spellcheck={false}
      aria-invalid={fault !== undefined}
      aria-describedby={fault === undefined ? undefined : "alert-stats-fault"}
      placeholder={placeholder}
      onFocus={() => onWrite(place)}
      onInput={(event) => put(place, event.currentTarget.value)}
    />
  );
}
