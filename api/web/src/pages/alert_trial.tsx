// What a rule would have done last week: the server judges the recorded past while one types.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { AGGREGATES as DRAWN, type Aggregate, type Stat } from "../api/models";
import { asProblem, type Problem } from "../api/problem";
import { RatioChart } from "../chart/ratio_chart";
import { StatChart } from "../chart/stat_chart";
import { span } from "../chart/times";
import { limitsOf, type Draft } from "./alert_draft";
import { episodes, type Transition } from "./alert_models";
import { isRatio } from "./alert_target";

interface Tested {
  stat: string;
  stat_name: string;
  resolution_s: number;
  episodes: number;
  firing_s: number;
  messages: number;
  transitions: Transition[];
}

/** Keys are struck faster than a week is judged. */
const PAUSE_MS = 300;
const WEEK = { last: 604_800, text: "7d" } as const;
const STEPS: readonly string[] = ["1m", "15m", "1h", "1d"];

interface TrialProps {
  draft: Draft;
  /** The rule that the draft would make. */
  rule: Record<string, unknown>;
  /** The stat whose week is drawn; of a pattern, the first that fits; of a ratio, what is divided. */
  stat: Stat;
}

/** The week with the threshold and what would have fired drawn into it. */
export function Trial({ draft, rule, stat }: TrialProps) {
  const { tested, problem } = useTrial(rule);
  const own = tested?.find((one) => one.stat === stat.id);
  const names: readonly string[] = DRAWN;
  const drawn = names.includes(draft.aggregate) ? (draft.aggregate as Aggregate) : "value";
  const shared = {
    range: WEEK,
    resolution: STEPS.includes(draft.window) ? draft.window : null,
    marks: episodes(own?.transitions ?? []),
    thresholds: limitsOf(draft),
    height: 180,
  };
  return (
    <>
      {isRatio(draft) ? (
        <RatioChart {...shared} stats={draft.targets} scale={draft.scale} aggregate={draft.aggregate} />
      ) : (
        <StatChart {...shared} stat={stat} aggregates={[draft.kind === "deadman" ? "value" : drawn]} compare={null} />
      )}
      <p class="hint" role="status">
        {problem !== null ? problem.detail : tested !== null && summed(tested)}
      </p>
    </>
  );
}

function summed(tested: readonly Tested[]): string {
  const sum = (of: (one: Tested) => number) => tested.reduce((total, one) => total + of(one), 0);
  const times = sum((one) => one.episodes);
  const late = Math.max(0, ...tested.map((one) => one.resolution_s));
  const where = tested.length > 1 ? ` at ${tested.length} stats` : "";
  const told = `, ${span(sum((one) => one.firing_s))} in all, with ${sum((one) => one.messages)} messages`;
  const exact = late > 1 ? ` Judged by steps of ${span(late)}.` : "";
  if (times === 0) return `It would not have fired last week${where}.${exact}`;
  return `It would have fired ${times === 1 ? "once" : `${times} times`} last week${where}${told}.${exact}`;
}

function useTrial(rule: Record<string, unknown>): { tested: Tested[] | null; problem: Problem | null } {
  const [state, set] = useState<{ tested: Tested[] | null; problem: Problem | null }>({ tested: null, problem: null });
  // Its name and whom it tells change nothing of what it would have done.
  const asked = JSON.stringify({ rule: { ...rule, name: "trial", enabled: true, channels: [], escalation: [] }, last: "7d" });
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      call<{ stats: Tested[] }>("POST", "/v1/alerts/test", { body: JSON.parse(asked), signal: stop.signal }).then(
        ({ stats }) => set({ tested: stats, problem: null }),
        (error: unknown) => {
          if (!stop.signal.aborted) set({ tested: null, problem: asProblem(error) });
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [asked]);
  return state;
}
