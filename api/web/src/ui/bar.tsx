// The bar over every page: where one can go, whether the page is live, who is looking.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { call } from "../api/client";
import { behindSince, listening } from "../live/hub";
import { path } from "../router";
import { leave, who } from "../session";
import { theme, type Theme } from "../settings";
import { Icon } from "./icon";

const PLACES: readonly (readonly [string, string, string])[] = [
  ["/stats", "Stats", "pulse"],
  ["/dashboards", "Dashboards", "grid"],
  ["/explore", "Explore", "layers"],
  ["/alerts", "Alerts", "bell"],
  ["/settings", "Settings", "cog"],
];

const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };

export function Bar() {
  const at = path.value;
  return (
    <header class="bar">
      <a class="skip" href="#main">
        To the content
      </a>
      <a class="brand" href="/" data-page>
        <Icon name="mark" />
        <span>StatFlow</span>
      </a>
      <nav aria-label="Pages">
        {PLACES.map(([to, label, icon]) => {
          const here = at.startsWith(to) || (to === "/stats" && at === "/");
          return (
            <a key={to} href={to} data-page aria-current={here ? "page" : undefined}>
              <Icon name={icon} />
              <span>{label}</span>
            </a>
          );
        })}
      </nav>
      <div class="bar-end">
        <LiveState />
        <a class="only-wide" href="/docs">
          Docs
        </a>
        <button
          class="icon-button"
          type="button"
          title={`Theme: ${theme.value}`}
          aria-label={`Theme: ${theme.value}. Switch to ${NEXT[theme.value]}`}
          onClick={() => (theme.value = NEXT[theme.value])}
        >
          <Icon name={theme.value === "dark" ? "moon" : theme.value === "light" ? "sun" : "half"} />
        </button>
        <button class="quiet" type="button" onClick={() => void out()}>
          {who.value.kind === "key" ? "Forget key" : "Log out"}
        </button>
      </div>
    </header>
  );
}

async function out(): Promise<void> {
  if (who.value.kind === "user") await call("POST", "/v1/auth/logout").catch(() => undefined);
  leave();
}

const now = signal(Date.now());

/** Behind is said after this long; a short reconnect disturbs nobody. */
const GRACE_MS = 2_000;

function LiveState() {
  const since = behindSince.value;
  useEffect(() => {
    if (since === null) return;
    const timer = setInterval(() => (now.value = Date.now()), 500);
    return () => clearInterval(timer);
  }, [since]);
  if (!listening.value) return null;
  const behindMs = since === null ? 0 : now.value - since;
  if (behindMs > GRACE_MS) {
    return (
      <span class="state state-behind" role="status">
        behind by {Math.round(behindMs / 1000)} s
      </span>
    );
  }
  return (
    <span class="state state-live" role="status">
      live
    </span>
  );
}
