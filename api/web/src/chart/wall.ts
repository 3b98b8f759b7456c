// Times as the wall clock of a zone shows them, and back. Pure.

/** A moment as the wall of a zone shows it: 2026-11-26T02:00. */
export function wall(atMs: number, zone: string): string {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  return format.format(atMs).replace(" ", "T");
}

/** The moment when a zone's wall shows a time; NaN for what is none. */
export function unwall(text: string, zone: string): number {
  const shown = Date.parse(`${text}Z`);
  if (Number.isNaN(shown)) return NaN;
  const offset = (atMs: number) => Date.parse(`${wall(atMs, zone)}Z`) - Math.floor(atMs / 60_000) * 60_000;
  // Once more with the offset that is found: the clocks may change in between.
  const near = shown - offset(shown);
  return shown - offset(near);
}
