// The alerts of the account and how they stand, where the server has any.

import { call } from "../api/client";
import { useAlerts } from "../live/news";
import { useLoaded } from "../ui/loaded";

interface Alert {
  id: string;
  name: string;
  state: string;
}

const RANK: Record<string, number> = { FIRING: 0, NO_DATA: 1, PENDING: 2, RECOVERING: 3 };

export function AlertList() {
  const found = useLoaded((signal) => call<{ alerts: Alert[] }>("GET", "/v1/alerts", { signal }), []);
  useAlerts(found.again);
  if (found.problem) return <p class="panel-problem">{found.problem.status === 404 ? "No alerts here." : found.problem.detail}</p>;
  const alerts = [...(found.value?.alerts ?? [])].sort((a, b) => (RANK[a.state] ?? 9) - (RANK[b.state] ?? 9));
  if (found.value && alerts.length === 0) return <p class="panel-problem">No alert yet.</p>;
  return (
    <ul class="panel-alerts">
      {alerts.map((one) => (
        <li key={one.id}>
          <span class={`alert-state alert-${one.state.toLowerCase()}`}>{one.state}</span>
          {one.name}
        </li>
      ))}
    </ul>
  );
}
