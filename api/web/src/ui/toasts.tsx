// Short messages at the edge: what was done, and how to take it back.

import { signal } from "@preact/signals";
import { asProblem } from "../api/problem";

interface Toast {
  id: number;
  text: string;
  detail?: string;
  bad: boolean;
  undo?: () => void;
}

const STAYS_MS = 8_000;
const SHOWN_MAX = 4;

const toasts = signal<readonly Toast[]>([]);
let serial = 0;

export function say(text: string, undo?: () => void): void {
  show({ id: ++serial, text, bad: false, ...(undo ? { undo } : {}) });
}

/** Whatever was thrown, with the id that the server's log knows it by. */
export function complain(error: unknown): void {
  const problem = asProblem(error);
  const detail = problem.requestId === null ? problem.code : `${problem.code} · request ${problem.requestId}`;
  show({ id: ++serial, text: problem.detail, detail, bad: true });
}

function show(toast: Toast): void {
  toasts.value = [...toasts.value, toast].slice(-SHOWN_MAX);
  setTimeout(() => drop(toast.id), STAYS_MS);
}

function drop(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((one) => (
        <div key={one.id} class={`toast${one.bad ? " toast-bad" : ""}`}>
          <div>
            {one.text}
            {one.detail && <small>{one.detail}</small>}
          </div>
          {one.undo && (
            <button
              type="button"
              class="quiet"
              onClick={() => {
                one.undo?.();
                drop(one.id);
              }}
            >
              Undo
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
