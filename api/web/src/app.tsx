// The frame of every page, and which page an address is.

import { useEffect } from "preact/hooks";
import { AlertPage } from "./pages/alert";
import { Alerts, isTab } from "./pages/alerts";
import { Boards } from "./pages/boards";
import { BoardPage } from "./pages/board";
import { Explore } from "./pages/explore";
import { Login } from "./pages/login";
import { SettingsPage } from "./pages/settings";
import { SharedPage } from "./pages/shared";
import { StatPage } from "./pages/stat";
import { Stats } from "./pages/stats";
import { go, onward, params, path } from "./router";
import { known, who } from "./session";
import { Bar } from "./ui/bar";
import { Toasts } from "./ui/toasts";

const OPEN = new Set(["/login", "/signup", "/claim", "/verify", "/reset", "/join"]);

export function App() {
  const at = path.value;
  const open = OPEN.has(at);
  const state = who.value.kind;
  useEffect(() => {
    if (isShared(at)) return;
    if (state === "nobody" && !open) {
      const back = at === "/" ? "" : `?then=${encodeURIComponent(at + location.search)}`;
      go(`/login${back}`, { replace: true });
    } else if (known.value && at === "/login") go(onward(), { replace: true });
  }, [state, at]);

  const shared = /^\/([pe])\/([A-Za-z0-9_]+)$/.exec(at);
  if (shared) return <SharedPage token={shared[2] ?? ""} framed={shared[1] === "e"} />;
  if (state === "unknown") return <div class="blank" aria-busy="true" />;
  if (open) return <Login />;
  if (!known.value) return <div class="blank" />;
  const kiosk = params.value.get("kiosk") === "1";
  return (
    <>
      {!kiosk && <Bar />}
      <main id="main" tabIndex={-1} class={kiosk ? "kiosk" : undefined}>
        <Page at={at} />
      </main>
      <Toasts />
    </>
  );
}

/** Pages of a link need nobody to be known, and read nothing that the browser has stored. */
export function isShared(at: string): boolean {
  return /^\/[pe]\//.test(at);
}

function Page({ at }: { at: string }) {
  const [, room = "", id] = at.split("/");
  const one = id === undefined ? null : decodeURIComponent(id);
  if (room === "" || room === "stats") return one ? <StatPage key={one} id={one} /> : <Stats />;
  if (room === "explore") return <Explore />;
  if (room === "dashboards") return one ? <BoardPage key={one} id={one} /> : <Boards />;
  if (room === "alerts") return one === null || isTab(one) ? <Alerts tab={one ?? ""} /> : <AlertPage key={one} id={one} />;
  if (room === "settings") return <SettingsPage tab={one} />;
  return (
    <section class="page narrow">
      <h1>Nothing here</h1>
      <p>
        <a href="/" data-page>
          All stats
        </a>
      </p>
    </section>
  );
}
