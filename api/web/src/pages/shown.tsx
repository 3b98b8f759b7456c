// What this browser shows: the theme and the time zone.

import { theme, zone, type Theme } from "../settings";
import { Choice, Segments } from "../ui/parts";

export function Shown() {
  const zones = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((one) => one !== "UTC")];
  if (!zones.includes(zone.value)) zones.unshift(zone.value);
  return (
    <div class="stack">
      <Segments<Theme>
        label="Theme"
        value={theme.value}
        options={[
          ["auto", "As the system"],
          ["light", "Light"],
          ["dark", "Dark"],
        ]}
        onChange={(value) => (theme.value = value)}
      />
      <Choice
        label="Time zone"
        value={zone.value}
        options={zones.map((one) => [one, one] as const)}
        onChange={(value) => (zone.value = value)}
      />
      <p class="hint">Charts, days and tables are in this zone; points are kept in UTC.</p>
    </div>
  );
}
