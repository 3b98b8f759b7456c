// What the account uses of what its plan gives, and what the month will come to.

import { call } from "../api/client";
import { exact, short } from "../chart/numbers";
import { useLoaded } from "../ui/loaded";
import { Trouble } from "../ui/parts";

interface Used {
  used: number;
  limit: number | null;
}

interface Usage {
  plan: string;
  month: string;
  points: Used & { expected: number; reached: string | null; forecast: string | null };
  limits: Record<string, Used>;
  days: { day: string; points: number }[];
}

export function UsageView() {
  const found = useLoaded((signal) => call<Usage>("GET", "/v1/usage", { signal }), []);
  if (found.problem) return <Trouble problem={found.problem} again={found.again} />;
  const usage = found.value;
  if (!usage) return null;
  const { points } = usage;
  return (
    <section aria-label="Usage">
      <h2>Used in {usage.month}</h2>
      <div class="figures">
        <Bar name="points" used={points.used} limit={points.limit} ahead={points.expected} />
        {Object.entries(usage.limits).map(([name, one]) => (
          <Bar key={name} name={name} used={one.used} limit={one.limit} />
        ))}
      </div>
      <p class={points.reached === null ? "muted" : "fault"} role="status">
        {points.forecast === null ? `The month will come to ${short(points.expected)} points.` : sentence(points.forecast)}
      </p>
      <Days days={usage.days} />
    </section>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** How full it is; what is still to come this month is drawn paler. */
function Bar({ name, used, limit, ahead = used }: Used & { name: string; ahead?: number }) {
  const share = (amount: number) => (limit === null ? 0 : limit === 0 ? 100 : Math.min(100, (100 * amount) / limit));
  return (
    <div>
      <span class="figure-name">{name}</span>
      <b class="number" title={exact(used, null)}>
        {short(used)}
      </b>{" "}
      <span class="muted">{limit === null ? "without limit" : `of ${short(limit)}`}</span>
      {limit !== null && (
        <span
          class={`used${used >= limit ? " used-up" : ""}`}
          role="meter"
          aria-label={`${name} used`}
          aria-valuemin={0}
          aria-valuemax={Math.max(limit, used)}
          aria-valuenow={used}
        >
          <i class="used-ahead" style={{ width: `${share(ahead)}%` }} />
          <i style={{ width: `${share(used)}%` }} />
        </span>
      )}
    </div>
  );
}

function Days({ days }: { days: Usage["days"] }) {
  const most = Math.max(...days.map((one) => one.points));
  if (!(most > 0)) return null;
  return (
    <ol class="days" aria-label="Points of each day">
      {days.map((one) => (
        <li key={one.day} title={`${one.day}: ${exact(one.points, null)} points`}>
          <span class="unseen">
            {one.day}: {one.points} points
          </span>
          <i style={{ height: `${(100 * one.points) / most}%` }} aria-hidden="true" />
        </li>
      ))}
    </ol>
  );
}
