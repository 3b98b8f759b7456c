// What a link shows, kept open: no key and no cookie, and nothing is asked for while nobody looks.

import { asProblem, Problem, problemOf } from "../api/problem";
import { eventsOf, type ServerEvent } from "./events";
import { Pause, retryMs } from "./pause";

/** The server says something at least every 5 s. */
const SILENCE_MS = 12_000;

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
  private readonly pause = new Pause();
  private readonly looked = () => {
    if (document.hidden) this.attempt.abort();
    else this.pause.end();
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
    this.pause.end();
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
      await this.pause.wait(document.hidden ? null : retryMs(this.failures++));
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
    const silent = () => setTimeout(() => this.attempt.abort(), SILENCE_MS);
    let timer = silent();
    try {
      for await (const events of eventsOf(reply)) {
        clearTimeout(timer);
        timer = silent();
        this.failures = 0;
        this.listener.state(true);
        for (const event of events) this.tell(event);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private tell(event: ServerEvent): void {
    if (event.name === "data") this.listener.data(JSON.parse(event.data) as T);
    // Why it ends, the next request finds out: the board is another one, or there is none.
    else if (event.name === "bye") this.listener.changed();
  }
}
