// The wait between two attempts, longer after each failure, and cut short when there is a reason.

const RETRY_MS = [250, 500, 1_000, 2_000, 5_000, 10_000];

export function retryMs(failures: number): number {
  return RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 10_000;
}

export class Pause {
  private wake: (() => void) | null = null;

  /** End the wait, if there is one. */
  end(): void {
    this.wake?.();
  }

  /** Wait so long; null: until it is ended. */
  wait(ms: number | null): Promise<void> {
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
