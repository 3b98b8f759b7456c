// What happens to alerts, told at once: one stream for all parts of a page that care.

import { useEffect } from "preact/hooks";
import { Stream } from "./stream";

/** What comes within this time is told together. */
const GATHER_MS = 50;
/** What no event tells of, such as an alert that somebody else has made. */
const ALSO_MS = 30_000;

const listeners = new Set<() => void>();
let stream: Stream | null = null;
let connected = false;
let gathering: ReturnType<typeof setTimeout> | null = null;

/** Hear that an alert has changed, or may have while nobody heard; returns how to stop. */
export function onAlerts(changed: () => void): () => void {
  listeners.add(changed);
  stream ??= new Stream({ alerts: true, resolution: "1d" }, { state: noted, news: tell });
  return () => {
    listeners.delete(changed);
    if (listeners.size > 0) return;
    stream?.close();
    stream = null;
    connected = false;
  };
}

/** Ask again whenever an alert changes. */
export function useAlerts(again: () => void): void {
  useEffect(() => {
    const end = onAlerts(again);
    const timer = setInterval(again, ALSO_MS);
    return () => {
      end();
      clearInterval(timer);
    };
  }, [again]);
}

function noted(now: boolean): void {
  // While there was no connection something may have happened.
  if (now && !connected) tell();
  connected = now;
}

function tell(): void {
  gathering ??= setTimeout(() => {
    gathering = null;
    for (const changed of listeners) changed();
  }, GATHER_MS);
}
