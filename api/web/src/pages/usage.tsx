// What the account uses of what its plan gives.

import { call } from "../api/client";
import { short } from "../chart/numbers";
import { useLoaded } from "../ui/loaded";
import { Trouble } from "../ui/parts";

type Figures = Record<string, unknown>;

export function UsageTab() {
  const found = useLoaded((signal) => call<Figures>("GET", "/v1/usage", { signal }), []);
  if (found.problem?.status === 404) return <p class="muted">This server has no plans: nothing is limited.</p>;
  if (found.problem) return <Trouble problem={found.problem} again={found.again} />;
  return (
    <dl class="figures">
      {leaves(found.value ?? {}).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="number">{typeof value === "number" ? short(value) : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Every figure with the way to it as its name. */
function leaves(figures: Figures, before = ""): [string, number | string][] {
  return Object.entries(figures).flatMap(([name, value]): [string, number | string][] => {
    const label = before + name.replaceAll("_", " ");
    if (typeof value === "number" || typeof value === "string") return [[label, value]];
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      return leaves(value as Figures, `${label} · `);
    }
    return [];
  });
}
