// A series for a component: made anew when what is wanted changes, drawn again when it moves.

import { useEffect, useState } from "preact/hooks";
import { Series, type Drawn, type Spec } from "./series";
import type { Problem } from "../api/problem";

export interface Shown {
  drawn: Drawn | null;
  problem: Problem | null;
  reload: () => void;
}

export function useSeries(spec: Spec): Shown {
  const [made, setMade] = useState<{ key: string; series: Series } | null>(null);
  const [, draw] = useState(0);
  const key = JSON.stringify(spec);
  useEffect(() => {
    const next = new Series(spec, () => draw((turn) => turn + 1));
    setMade({ key, series: next });
    return () => next.close();
  }, [key]);
  // What was wanted before has other lines than what is drawn now.
  const series = made?.key === key ? made.series : null;
  return {
    drawn: series?.drawn ?? null,
    problem: series?.problem ?? null,
    reload: () => void series?.load(),
  };
}
