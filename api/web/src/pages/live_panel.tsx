// A panel of one's own board, fed by the API.

import { useEffect, useState } from "preact/hooks";
import { AlertList } from "../board/alerts";
import { Feed } from "../board/feed";
import type { Panel } from "../board/model";
import { PanelView } from "../board/view";
import type { Range } from "../chart/ranges";

interface LivePanelProps {
  panel: Panel;
  patterns: readonly string[];
  range: Range;
  refreshS: number;
  bounds: readonly [number, number];
  sync: string;
  onZoom: (from: number, to: number) => void;
}

export function LivePanel(props: LivePanelProps) {
  const { panel, patterns, range, refreshS } = props;
  const [feed, setFeed] = useState<Feed | null>(null);
  const [, draw] = useState(0);
  const asks = panel.kind !== "text" && panel.kind !== "alerts" && patterns.length > 0;
  const key = JSON.stringify([panel.kind, panel.agg, panel.group, panel.expr, patterns, range, refreshS]);
  useEffect(() => {
    if (!asks) return;
    const made = new Feed(panel, patterns, range, refreshS, () => draw((turn) => turn + 1));
    setFeed(made);
    return () => made.close();
  }, [key]);
  if (panel.kind === "alerts") return <AlertList />;
  const shown = asks ? (feed?.shown ?? null) : { step: 0, series: [], problem: "No stat is chosen." };
  return <PanelView panel={panel} shown={shown} bounds={props.bounds} sync={props.sync} onZoom={props.onZoom} />;
}
