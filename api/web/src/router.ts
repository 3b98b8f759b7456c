// Where the reader is: the address bar is the only state that survives a reload or is passed on.

import { computed, signal } from "@preact/signals";

interface Place {
  path: string;
  search: string;
}

function here(): Place {
  return { path: location.pathname, search: location.search };
}

const place = signal<Place>(here());

export const path = computed(() => place.value.path);
export const params = computed(() => new URLSearchParams(place.value.search));

/** Go to a page of ours. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  const before = place.value.path;
  place.value = here();
  if (before !== place.value.path) {
    scrollTo(0, 0);
    // Whoever listens to the page hears that it is another one.
    document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
  }
}

/** Where to after logging in: a page of ours, never another site. */
export function onward(): string {
  const then = params.value.get("then") ?? "/";
  return /^\/(?![/\\])/.test(then) ? then : "/";
}

/** Change some parameters of the address; null takes one away. */
export function adjust(changes: Record<string, string | null>, { replace = true } = {}): void {
  const next = new URLSearchParams(place.value.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  go(place.value.path + (text === "" ? "" : `?${text}`), { replace });
}

/** Follow the back button, and plain clicks on links of ours. */
export function listen(): void {
  addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest("a");
    if (!link || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || link.pathname.startsWith("/v1/")) return;
    if (!link.hasAttribute("data-page")) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
