// How long an alert is to keep quiet.

const SPANS = [
  ["", "Snooze"],
  ["20m", "20 minutes"],
  ["1h", "an hour"],
  ["4h", "4 hours"],
  ["1d", "a day"],
  ["7d", "a week"],
] as const;

export function Snooze({ label, onPick }: { label: string; onPick: (span: string) => void }) {
  return (
    <select aria-label={label} value="" onChange={(event) => event.currentTarget.value !== "" && onPick(event.currentTarget.value)}>
      {SPANS.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}
