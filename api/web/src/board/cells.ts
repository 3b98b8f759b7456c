// Cells of heat maps as paths, one for each shade: thousands of them are a handful of elements. Pure.

/** How values were spread: a row of counts for each bucket, a column for each bin. */
export interface Spread {
  t: number[];
  low: number[];
  high: number[];
  counts: number[][];
}

export const SHADES = 8;

/** The path of each shade, from the lightest: x counts buckets, y bins from the greatest down. */
export function shaded({ counts, low }: Spread): string[] {
  const most = Math.max(0, ...counts.map((row) => Math.max(0, ...row)));
  const cells: string[][] = Array.from({ length: SHADES }, () => []);
  counts.forEach((row, x) =>
    row.forEach((count, bin) => {
      if (count > 0) cells[shadeOf(count, most)]?.push(`M${x} ${low.length - 1 - bin}h1v1h-1z`);
    }),
  );
  return cells.map((shade) => shade.join(""));
}

/** Few are seen beside many: every shade stands for twice as many as the one before. */
export function shadeOf(count: number, most: number): number {
  if (most <= 1) return SHADES - 1;
  return Math.round((Math.log(count) / Math.log(most)) * (SHADES - 1));
}

/** What is under a place of the map: a moment, and how far down it is; null beside the cells. */
export function cellAt(spread: Spread, at: number, step: number, down: number): { t: number; low: number; high: number; count: number } | null {
  const column = Math.floor((at - (spread.t[0] ?? 0)) / step);
  const bin = spread.low.length - 1 - Math.floor(down * spread.low.length);
  const [t, low, high] = [spread.t[column], spread.low[bin], spread.high[bin]];
  if (t === undefined || low === undefined || high === undefined) return null;
  return { t, low, high, count: spread.counts[column]?.[bin] ?? 0 };
}

/** At most so many cells, each the greatest of those that it stands for. */
export function thinned(values: readonly (number | null)[], cells: number): (number | null)[] {
  if (values.length <= cells) return [...values];
  return Array.from({ length: cells }, (_, cell) => {
    const from = Math.floor((cell * values.length) / cells);
    const to = Math.max(from + 1, Math.floor(((cell + 1) * values.length) / cells));
    const known = values.slice(from, to).filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  });
}
