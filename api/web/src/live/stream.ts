// One live stream: kept open, continued from its cursor, never silent about being behind.
//
// Law: nothing is missed. Whoever comes back with the cursor gets every bucket touched since, or a
// snapshot when the server no longer knows; a snapshot for a stat that was followed already means
// that something in between may be missing, so its listeners load their data again.

import { send } from "../api/client";
import type { LiveData } from "../api/models";
import { Problem } from "../api/problem";
import { eventsOf, type ServerEvent } from "./events";
import { Pause, retryMs } from "./pause";

/** The server says something at least every 15 s. */
const SILENCE_MS = 22_000;

export interface StreamListener {
  data?(data: LiveData, how: "snapshot" | "change" | "revise"): void;
  gap?(stat: string): void;
  state(connected: boolean): void;
  /** An alert has changed. */
  news?(): void;
}

export class Stream {
  private attempt = new AbortController();
  private cursor: string | null = null;
  private ended = false;
  private readonly followed = new Set<string>();
  private heardAt = Date.now();
  private failures = 0;
  private readonly pause = new Pause();

  constructor(
    private readonly params: { stats?: string; match?: string; resolution: string; alerts?: boolean },
    private readonly listener: StreamListener,
    private readonly path = "/v1/live",
  ) {
    void this.run();
  }

  /** End it for good. */
  close(): void {
    this.ended = true;
    this.attempt.abort();
    this.pause.end();
  }

  /** Look at once whether the connection is still good; after a sleep it is not. */
  check(slept: boolean): void {
    if (slept || Date.now() - this.heardAt > SILENCE_MS) {
      this.failures = 0;
      this.attempt.abort();
      this.pause.end();
    }
  }

  private over(): boolean {
    return this.ended;
  }

  private async run(): Promise<void> {
    while (!this.over()) {
      try {
        await this.once();
        this.failures = 0;
      } catch (error) {
        if (error instanceof Problem && error.status < 500 && error.status !== 429) {
          if (error.code !== "cursor_invalid") return;
          this.cursor = null;
        }
        this.failures += 1;
      }
      if (this.over()) return;
      this.listener.state(false);
      await this.pause.wait(retryMs(this.failures));
    }
  }

  private async once(): Promise<void> {
    this.attempt = new AbortController();
    this.heardAt = Date.now();
    const params = this.cursor === null ? this.params : { ...this.params, cursor: this.cursor };
    const reply = await send("GET", this.path, { params, signal: this.attempt.signal });
    const watchdog = setInterval(() => this.check(false), 5_000);
    const resumed = this.cursor !== null;
    try {
      for await (const events of eventsOf(reply)) {
        this.heardAt = Date.now();
        this.failures = 0;
        this.listener.state(true);
        for (const event of events) this.tell(event, resumed);
      }
    } finally {
      clearInterval(watchdog);
    }
  }

  private tell(event: ServerEvent, resumed: boolean): void {
    const name = event.name;
    if (name === "snapshot" || name === "change" || name === "revise") {
      const data = JSON.parse(event.data) as LiveData;
      if (name === "snapshot" && (resumed || this.followed.has(data.stat))) {
        this.listener.gap?.(data.stat);
      }
      this.followed.add(data.stat);
      this.listener.data?.(data, name);
    }
    if (name === "alert") this.listener.news?.();
    if (event.id !== null) this.cursor = event.id;
  }
}
