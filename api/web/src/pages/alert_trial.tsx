// What a rule would have done last week: the server judges the recorded past while one types.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { AGGREGATES as DRAWN, type Aggregate, type Stat } from "../api/models";
import { asProblem, type Problem } from "../api/problem";
import { seconds } from "../chart/ranges";
import { RatioChart } from "../chart/ratio_chart";
import { StatChart } from "../chart/stat_chart";
import { span } from "../chart/times";
import { limitsOf, type Draft } from "./alert_draft";
import { episodes, type Transition } from "./alert_models";
import { isPattern, isRatio } from "./alert_target";

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
/** Windows up to so long, in seconds, are judged by minutes, which are kept for a week. */
const FINE_MAX_S = 3_600;
/** The clock goes on while one asks. */
const SLACK_S = 120;
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
  const { tested, problem } = useTrial(rule, lastOf(draft));
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

/** A week; of one stat without what fills its first window, so that it is judged by minutes. */
function lastOf({ targets, window }: Draft): string {
  const windowS = seconds(window) ?? 0;
  // Many stats by minutes would take longer than anybody waits for.
  const alone = targets.length === 1 && !isPattern(targets[0] ?? "");
  return alone && windowS <= FINE_MAX_S ? `${WEEK.last - windowS - SLACK_S}s` : WEEK.text;
}

function useTrial(rule: Record<string, unknown>, last: string): { tested: Tested[] | null; problem: Problem | null } {
  const [state, set] = useState<{ tested: Tested[] | null; problem: Problem | null }>({ tested: null, problem: null });
  // Its name and whom it tells change nothing of what it would have done.
  const asked = JSON.stringify({ rule: { ...rule, name: "trial", enabled: true, channels: [], escalation: [] }, last });
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
