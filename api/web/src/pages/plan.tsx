// The plan of the account, what it uses of it, and the other plans.

import { call } from "../api/client";
import { exact, short } from "../chart/numbers";
import { written } from "../chart/times";
import { useLoaded, type Loaded } from "../ui/loaded";
import { Trouble } from "../ui/parts";
import { complain, say } from "../ui/toasts";
import { Listing } from "./listing";
import { UsageView } from "./usage";

export interface Plan {
  name: string;
  stats: number | null;
  points_month: number | null;
  requests_s: number | null;
  points_s: number | null;
  retention_days: number | null;
  alerts: number | null;
  dashboards: number | null;
  members: number | null;
  price: number;
  currency: string;
}

interface Plans {
  plan: Plan;
  since: string | null;
  before: string | null;
  until: string | null;
  billing: boolean;
  plans: Plan[];
}

export function PlanTab() {
  const found = useLoaded((signal) => call<Plans>("GET", "/v1/plan", { signal }), []);
  const change = async (plan: Plan) => {
    try {
      const { url } = await call<{ plan: string; url?: string }>("POST", "/v1/plan", { body: { plan: plan.name } });
      if (url !== undefined) location.assign(url);
      else say(`The plan is ${plan.name} now.`);
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  if (found.problem) return <Trouble problem={found.problem} again={found.again} />;
  const now = found.value;
  return (
    <>
      <UsageView />
      {now && (
        <section aria-label="Plans">
          <h2>The plan is {now.plan.name}</h2>
          {now.since !== null && <p class="muted">Since {written(now.since)}.</p>}
          {now.before !== null && (
            <p class="muted">
              Until {written(now.until)} the limits of {now.before} hold as well.
            </p>
          )}
          {!now.billing && <p class="hint">Whoever runs this server changes plans.</p>}
          <Table now={now} found={found} onChange={(plan) => void change(plan)} />
        </section>
      )}
    </>
  );
}

function Table({ now, found, onChange }: { now: Plans; found: Loaded<Plans>; onChange: (plan: Plan) => void }) {
  const plans = now.plans.map((one) => ({ ...one, id: one.name }));
  return (
    <Listing
      label="All plans"
      found={{ value: plans, problem: null, again: found.again }}
      empty="There is none."
      columns={[
        { name: "Plan", of: (one) => one.name },
        { name: "Stats", of: (one) => limit(one.stats), numeric: true },
        { name: "Points a month", of: (one) => limit(one.points_month), numeric: true },
        { name: "Kept", of: (one) => (one.retention_days === null ? "for ever" : `${one.retention_days} days`), numeric: true },
        { name: "Alerts", of: (one) => limit(one.alerts), numeric: true },
        { name: "Dashboards", of: (one) => limit(one.dashboards), numeric: true },
        { name: "Members", of: (one) => limit(one.members), numeric: true },
        { name: "A month", of: price, numeric: true },
        {
          name: "Change",
          of: (one) =>
            one.name === now.plan.name ? (
              <b>yours</b>
            ) : (
              now.billing && (
                <button type="button" aria-label={`Change to ${one.name}`} onClick={() => onChange(one)}>
                  {one.price > now.plan.price ? "Upgrade" : "Change"}
                </button>
              )
            ),
          numeric: true,
        },
      ]}
    />
  );
}

export function limit(amount: number | null): string {
  return amount === null ? "no limit" : short(amount);
}

/** A price in the currency's own way; the API has it in its smallest unit. */
function price({ price: amount, currency }: Plan): string {
  if (amount === 0) return "free";
  const format = new Intl.NumberFormat("en-GB", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  try {
    return format.format(amount / 10 ** digits);
  } catch {
    return `${exact(amount, null)} ${currency}`;
  }
}
