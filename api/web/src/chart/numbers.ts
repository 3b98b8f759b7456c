// Numbers as people read them. Pure.

const STEPS: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

const BYTES: readonly [number, string][] = [
  [2 ** 40, "TiB"],
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
];

const NONE = "–";

/** Three digits that matter: 12.3k, 0.00123, 812. */
export function short(value: number | null | undefined, unit: string | null = null): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (unit === "B" || unit === "bytes") return scaled(value, BYTES, "B");
  if (size >= 1e15) return value.toExponential(2);
  const step = STEPS.find(([limit]) => size >= limit);
  if (step && size >= 10_000) return `${trimmed(value / step[0])}${step[1]}${suffix(unit)}`;
  return `${trimmed(value)}${suffix(unit)}`;
}

/** Every digit, grouped. */
export function exact(value: number | null | undefined, unit: string | null = null): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const text = value.toLocaleString("en", { maximumSignificantDigits: 15 });
  return text + suffix(unit);
}

/** How much `now` differs from `before`; null where there is nothing to compare with. */
export function change(now: number | null, before: number | null): number | null {
  if (now === null || before === null || before === 0) return null;
  return (now - before) / Math.abs(before);
}

/** A share as +12.3 %. */
export function percent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return NONE;
  const sign = share > 0 ? "+" : share < 0 ? "−" : "±";
  const size = Math.abs(share) * 100;
  return `${sign}${size >= 100 ? size.toFixed(0) : size.toFixed(1)} %`;
}

function scaled(value: number, steps: readonly [number, string][], base: string): string {
  const step = steps.find(([limit]) => Math.abs(value) >= limit);
  return step ? `${trimmed(value / step[0])} ${step[1]}` : `${trimmed(value)} ${base}`;
}

function trimmed(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: 0 });
  if (size < 1e-6) return value.toExponential(2);
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

function suffix(unit: string | null): string {
  return unit === null || unit === "" ? "" : unit === "%" ? " %" : ` ${unit}`;
}

/** So many times greater than every value a limit is far from them. */
const FAR = 10;

/** The limits that stretch a scale: a far one, such as that of a day over minutes, would press the values flat. */
export function near(limits: readonly number[], values: readonly number[]): number[] {
  const reach = FAR * Math.max(0, ...values.map(Math.abs));
  return limits.filter((limit) => reach === 0 || Math.abs(limit) <= reach);
}
