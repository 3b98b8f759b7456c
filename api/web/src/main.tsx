import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/chart.css";
import "./styles/board.css";
import "./styles/alerts.css";
import "./styles/settings.css";
import { render } from "preact";
import { App, isShared } from "./app";
import { watchClock } from "./live/hub";
import { listen } from "./router";
import { discover } from "./session";
import { begin } from "./settings";

begin();
listen();
watchClock();
if (!isShared(location.pathname)) void discover().catch(() => undefined);

const root = document.getElementById("app");
if (root) render(<App />, root);
