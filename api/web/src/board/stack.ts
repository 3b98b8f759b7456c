// Series on top of each other. Pure.

import type { ShownSeries } from "./model";

/** Each series with those after it added to it, so that the first is drawn behind the others. */
export function stacked(series: readonly ShownSeries[]): ShownSeries[] {
  const below = new Map<number, number>();
  return [...series]
    .reverse()
    .map((one) => {
      const values = one.values.map((value, index) => {
        const at = one.t[index] ?? 0;
        const sum = (below.get(at) ?? 0) + (value ?? 0);
        below.set(at, sum);
        return value === null && sum === 0 ? null : sum;
      });
      return { ...one, values };
    })
    .reverse();
}
