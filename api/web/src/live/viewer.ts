// What a link shows, kept open: no key and no cookie, and nothing is asked for while nobody looks.

import { asProblem, Problem, problemOf } from "../api/problem";
import { EventReader, type ServerEvent } from "./events";

/** The server says something at least every 5 s. */
const SILENCE_MS = 12_000;
const RETRY_MS = [250, 500, 1_000, 2_000, 5_000, 10_000];

export interface ViewerListener<T> {
  data(data: T): void;
  state(connected: boolean): void;
  /** The board is another one now. */
  changed(): void;
  problem(problem: Problem): void;
}

/** What is behind a link; throws Problem. */
export async function read(path: string, signal: AbortSignal): Promise<Response> {
  const reply = await fetch(path, { credentials: "omit", cache: "no-store", signal });
  if (!reply.ok) throw await problemOf(reply);
  return reply;
}

export class Viewer<T> {
  private attempt = new AbortController();
  private ended = false;
  private failures = 0;
  private wake: (() => void) | null = null;
  private readonly looked = () => {
    if (document.hidden) this.attempt.abort();
    else this.wake?.();
  };

  constructor(
    private readonly path: string,
    private readonly listener: ViewerListener<T>,
  ) {
    document.addEventListener("visibilitychange", this.looked);
    void this.run();
  }

  /** End it for good. */
  close(): void {
    this.ended = true;
    document.removeEventListener("visibilitychange", this.looked);
    this.attempt.abort();
    this.wake?.();
  }

  private over(): boolean {
    return this.ended;
  }

  private async run(): Promise<void> {
    while (!this.over()) {
      try {
        if (!document.hidden) await this.once();
      } catch (error) {
        if (this.over()) return;
        await this.failed(error);
      }
      if (this.over()) return;
      this.listener.state(false);
      await this.pause(document.hidden ? null : (RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)] ?? null));
    }
  }

  private async failed(error: unknown): Promise<void> {
    const problem = asProblem(error);
    if (problem.status === 404) this.close();
    if (problem.status !== 0) this.listener.problem(problem);
    // Too many look at a time: what they see may be asked for all the same.
    if (problem.code !== "too_many_streams") return;
    const reply = await read(`${this.path}/data`, this.attempt.signal).catch(() => null);
    if (reply) this.listener.data((await reply.json()) as T);
  }

  private async once(): Promise<void> {
    this.attempt = new AbortController();
    const reply = await read(`${this.path}/live`, this.attempt.signal);
    if (reply.body === null) throw new Error("no body");
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader();
    let silent: ReturnType<typeof setTimeout> | undefined;
    try {
      for (;;) {
        clearTimeout(silent);
        silent = setTimeout(() => this.attempt.abort(), SILENCE_MS);
        const { done, value } = await reader.read();
        if (done) return;
        this.failures = 0;
        this.listener.state(true);
        for (const event of events.feed(value)) this.tell(event);
      }
    } finally {
      clearTimeout(silent);
    }
  }

  private tell(event: ServerEvent): void {
    if (event.name === "data") this.listener.data(JSON.parse(event.data) as T);
    // Why it ends, the next request finds out: the board is another one, or there is none.
    else if (event.name === "bye") this.listener.changed();
  }

  /** Wait so long, or with null until somebody looks again. */
  private pause(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === null ? undefined : setTimeout(() => done(), ms);
      const done = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      this.wake = done;
    });
  }
}
