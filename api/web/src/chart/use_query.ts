// A query for a component: asked anew when what is wanted changes, and again while its range goes on.

import { useEffect, useState } from "preact/hooks";
import { call, type Params } from "../api/client";
import type { Query } from "../api/models";
import { useLoaded, type Loaded } from "../ui/loaded";
import { isRolling, type Range } from "./ranges";

const AGAIN_MS = 10_000;

/** The answer to a question about a range; without a question nothing is asked. */
export function useQuery(question: Params | null, range: Range): Loaded<Query | null> {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!isRolling(range)) return;
    const timer = setInterval(() => setTurn((before) => before + 1), AGAIN_MS);
    return () => clearInterval(timer);
  }, [JSON.stringify(range)]);
  return useLoaded(
    (signal) =>
      question === null
        ? Promise.resolve(null)
        : call<Query>("GET", "/v1/query", { params: { ...question, format: "columns" }, signal }),
    [JSON.stringify(question), turn],
  );
}

/** A range in the words of the API. */
export function timesOf(range: Range): { from: string; to?: string } {
  return isRolling(range) ? { from: `-${range.last}s` } : { from: String(range.from), to: String(range.to) };
}
