// What a reader has chosen for this browser: the theme and the time zone.

import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    // Storage may be switched off; the defaults then hold for this visit.
    return null;
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    return;
  }
}

const THEMES: readonly string[] = ["auto", "light", "dark"];

function themeOf(text: string | null): Theme {
  return text !== null && THEMES.includes(text) ? (text as Theme) : "auto";
}

export const theme = signal<Theme>(themeOf(stored("statflow.theme")));

/** The zone of the browser, unless another was chosen. */
export const zone = signal<string>(
  stored("statflow.zone") ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
);

/** Counts changes of what canvases are painted with. */
export const painted = signal(0);

export function begin(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
    store("statflow.theme", theme.value);
    painted.value = painted.peek() + 1;
  });
  effect(() => store("statflow.zone", zone.value));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    painted.value += 1;
  });
}
