// The panels on their grid: moved and resized by pointer and by keyboard.

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { Icon } from "../ui/icon";
import { arranged, COLUMNS } from "./grid";
import { ROW_PX, type Panel, type Place } from "./model";

interface GridProps {
  panels: readonly Panel[];
  arranging: boolean;
  onChange?: (panels: Panel[]) => void;
  onEdit?: (panel: Panel) => void;
  onRemove?: (id: string) => void;
  children: (panel: Panel) => ComponentChildren;
}

type Grip = "move" | "size";

export function Grid({ panels, arranging, onChange, onEdit, onRemove, children }: GridProps) {
  const ground = useRef<HTMLDivElement>(null);
  const [told, setTold] = useState("");
  const place = (panel: Panel, to: Place) => {
    const next = arranged(panels, panel.id, to);
    onChange?.(next);
    const now = next.find((one) => one.id === panel.id)?.place ?? to;
    setTold(`${panel.title || "Panel"}: column ${now.x + 1}, row ${now.y + 1}, ${now.w} wide, ${now.h} high`);
  };
  const grip = (panel: Panel, how: Grip) => (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const target = event.currentTarget as HTMLElement;
    target.setPointerCapture(event.pointerId);
    const column = (ground.current?.clientWidth ?? COLUMNS) / COLUMNS;
    const from = panel.place;
    let last = "";
    const onMove = (move: PointerEvent) => {
      const dx = Math.round((move.clientX - event.clientX) / column);
      const dy = Math.round((move.clientY - event.clientY) / ROW_PX);
      if (`${dx} ${dy}` === last) return;
      last = `${dx} ${dy}`;
      place(panel, how === "move" ? { ...from, x: from.x + dx, y: from.y + dy } : { ...from, w: from.w + dx, h: from.h + dy });
    };
    target.addEventListener("pointermove", onMove);
    target.addEventListener("lostpointercapture", () => target.removeEventListener("pointermove", onMove), { once: true });
  };
  const onKey = (panel: Panel, how: Grip) => (event: KeyboardEvent) => {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const { x, y, w, h } = panel.place;
    // Up goes over the panel above, down under the one below.
    if (how === "size" || event.shiftKey) place(panel, { x, y, w: w + step[0], h: h + step[1] });
    else place(panel, { x: x + step[0], y: y + step[1] * h, w, h });
  };
  // Read from the top; while something is dragged, nothing may change its place in the document.
  const order = arranging ? panels : [...panels].sort((a, b) => a.place.y - b.place.y || a.place.x - b.place.x);
  return (
    <div ref={ground} class={`grid${arranging ? " grid-arranging" : ""}`}>
      {order.map((panel) => (
        <article key={panel.id} class="panel" style={styleOf(panel.place)} aria-label={panel.title || panel.kind}>
          <header>
            {arranging && (
              <button
                type="button"
                class="icon-button grip"
                aria-label={`Move ${panel.title || "panel"} with the arrow keys, resize with Shift`}
                onPointerDown={grip(panel, "move")}
                onKeyDown={onKey(panel, "move")}
              >
                <Icon name="drag" />
              </button>
            )}
            <h2>{panel.title}</h2>
            {arranging && (
              <span class="panel-tools">
                <button type="button" class="icon-button" aria-label={`Edit ${panel.title || "panel"}`} onClick={() => onEdit?.(panel)}>
                  <Icon name="pen" />
                </button>
                <button type="button" class="icon-button" aria-label={`Remove ${panel.title || "panel"}`} onClick={() => onRemove?.(panel.id)}>
                  <Icon name="bin" />
                </button>
              </span>
            )}
          </header>
          <div class="panel-body">{children(panel)}</div>
          {arranging && (
            <button
              type="button"
              class="grip-size"
              aria-label={`Resize ${panel.title || "panel"} with the arrow keys`}
              onPointerDown={grip(panel, "size")}
              onKeyDown={onKey(panel, "size")}
            />
          )}
        </article>
      ))}
      <span class="unseen" role="status">
        {told}
      </span>
    </div>
  );
}

function styleOf({ x, y, w, h }: Place) {
  return {
    gridColumn: `${x + 1} / span ${w}`,
    gridRow: `${y + 1} / span ${h}`,
    "--rows": h,
  };
}
