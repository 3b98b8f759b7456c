// What canvases are painted with: the style sheet's own properties, so that both always agree.

export interface Paint {
  text: string;
  grid: string;
  accent: string;
  alarm: string;
  muted: string;
  surface: string;
  series: string[];
  font: string;
}

export const SERIES_COLOURS = 8;

export function paint(): Paint {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => resolved(style.getPropertyValue(name));
  return {
    text: read("--muted"),
    grid: read("--grid"),
    accent: read("--accent"),
    alarm: read("--alarm"),
    muted: read("--faint"),
    surface: read("--surface"),
    series: Array.from({ length: SERIES_COLOURS }, (_, index) => read(`--series-${index + 1}`)),
    font: "11px system-ui, sans-serif",
  };
}

let probe: HTMLElement | null = null;

/** light-dark() and the like become a plain colour only on an element. */
function resolved(value: string): string {
  if (!probe) {
    probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = "";
  probe.style.color = value.trim();
  return getComputedStyle(probe).color;
}

/** The same colour, thinner. */
export function thin(colour: string, alpha: number): string {
  const parts = /rgba?\(([^)]+)\)/.exec(colour)?.[1]?.split(/[ ,/]+/) ?? [];
  return `rgba(${parts.slice(0, 3).join(",")},${alpha})`;
}
