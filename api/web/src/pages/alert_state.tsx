// The state of an alert, as a badge.

export function State({ state }: { state: string }) {
  return <span class={`alert-state alert-${state.toLowerCase()}`}>{state.toLowerCase().replace("_", " ")}</span>;
}
