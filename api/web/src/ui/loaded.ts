// Something that is asked for when a page opens, and again when it is told to.

import { useCallback, useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/problem";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  again: () => void;
}

export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, of: readonly unknown[]): Loaded<T> {
  const [state, set] = useState<{ value: T | null; problem: Problem | null }>({ value: null, problem: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    load(stop.signal).then(
      (value) => {
        if (!stop.signal.aborted) set({ value, problem: null });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) set((before) => ({ value: before.value, problem: asProblem(error) }));
      },
    );
    return () => stop.abort();
  }, [...of, turn]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  return { ...state, again };
}
