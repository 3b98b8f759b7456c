// All charts of a page listen through one stream per resolution: browsers open few connections.

import { signal } from "@preact/signals";
import type { LiveData, LivePoint } from "../api/models";
import { Stream } from "./stream";

export type Tier = "1s" | "10s" | "1m" | "15m" | "1h" | "1d";

export type How = "snapshot" | "change" | "revise";

export interface Listener {
  /** Newest absolute buckets; `revise` is about the drawn past, `snapshot` where things stand. */
  points(points: readonly LivePoint[], how: How): void;
  /** Something may have been missed: load the data again. */
  reload(): void;
}

/** Since when the page is behind, in epoch ms; null while it is live or listens to nothing. */
export const behindSince = signal<number | null>(null);
export const listening = signal(false);

const GATHER_MS = 30;
const TICK_MS = 1_000;
const SLEPT_MS = 5_000;
const STATS_MAX = 1_000;

class Channel {
  readonly listeners = new Map<string, Set<Listener>>();
  private stream: Stream | null = null;
  private gathering: ReturnType<typeof setTimeout> | null = null;
  private open = "";
  connected = false;

  constructor(private readonly tier: Tier) {}

  add(stat: string, listener: Listener): () => void {
    const found = this.listeners.get(stat) ?? new Set();
    found.add(listener);
    this.listeners.set(stat, found);
    this.gather();
    return () => {
      found.delete(listener);
      if (found.size === 0) this.listeners.delete(stat);
      this.gather();
    };
  }

  check(slept: boolean): void {
    this.stream?.check(slept);
  }

  private gather(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = null;
      this.reopen();
    }, GATHER_MS);
  }

  private reopen(): void {
    const stats = [...this.listeners.keys()].sort().slice(0, STATS_MAX).join(",");
    if (stats === this.open) return;
    const grown = stats.split(",").some((one) => !this.open.split(",").includes(one));
    // Fewer stats are no reason to begin anew: what nobody listens to is dropped here.
    if (stats !== "" && !grown) return;
    this.stream?.close();
    this.open = stats;
    this.stream = stats === "" ? null : new Stream({ stats, resolution: this.tier }, this);
    this.connected = stats === "";
    noteState();
  }

  data(data: LiveData, how: How): void {
    if (data.resolution !== this.tier) return;
    for (const one of this.listeners.get(data.stat) ?? []) one.points(data.points, how);
  }

  gap(stat: string): void {
    for (const one of this.listeners.get(stat) ?? []) one.reload();
  }

  state(connected: boolean): void {
    if (this.connected === connected) return;
    this.connected = connected;
    noteState();
  }
}

const channels = new Map<Tier, Channel>();

/** Listen to one stat; returns how to stop. Listen first, then load: so nothing lies between. */
export function follow(stat: string, tier: Tier, listener: Listener): () => void {
  let channel = channels.get(tier);
  if (!channel) channels.set(tier, (channel = new Channel(tier)));
  return channel.add(stat, listener);
}

function noteState(): void {
  const used = [...channels.values()].filter((one) => one.listeners.size > 0);
  listening.value = used.length > 0;
  if (used.every((one) => one.connected)) behindSince.value = null;
  else behindSince.value ??= Date.now();
}

/** Notice sleep, waking and a network that is back: clocks go on, timers do not. */
export function watchClock(): void {
  let last = Date.now();
  const look = (sure: boolean) => {
    const now = Date.now();
    const slept = sure || now - last > SLEPT_MS + TICK_MS;
    last = now;
    for (const channel of channels.values()) channel.check(slept);
  };
  setInterval(() => look(false), TICK_MS);
  addEventListener("online", () => look(true));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look(false);
  });
}
