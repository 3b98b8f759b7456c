// A button that asks once more, for what cannot be taken back.

import { useState } from "preact/hooks";

interface SureProps {
  /** What it does, as its text: Revoke. */
  verb: string;
  /** What it does it to, for whoever only hears it. */
  name: string;
  onSure: () => void;
}

export function Sure({ verb, name, onSure }: SureProps) {
  const [sure, setSure] = useState(false);
  return (
    <button
      type="button"
      class={sure ? "danger" : "quiet"}
      aria-label={`${verb} ${name}${sure ? ": really" : ""}`}
      onClick={() => (sure ? onSure() : setSure(true))}
      onBlur={() => setSure(false)}
    >
      {sure ? `Really ${verb.toLowerCase()}` : verb}
    </button>
  );
}
