// Who did what to the safety of the account.

import { call } from "../api/client";
import { written } from "../chart/times";
import { useLoaded } from "../ui/loaded";
import { Listing } from "./listing";

interface Entry {
  at: string;
  event: string;
  who: string;
  address: string;
  about: string;
}

const SHOWN = 200;

export function Audit() {
  const found = useLoaded(
    (signal) =>
      call<{ entries: Entry[] }>("GET", "/v1/audit", { params: { limit: SHOWN }, signal }).then((one) =>
        one.entries.map((entry, index) => ({ ...entry, id: `${entry.at}-${index}` })),
      ),
    [],
  );
  return (
    <Listing
      label="Audit log"
      found={found}
      empty="Nothing happened yet."
      columns={[
        { name: "When", of: (one) => <span class="number">{written(one.at)}</span> },
        { name: "What", of: (one) => one.event.replaceAll("_", " ") },
        { name: "Who", of: (one) => one.who },
        { name: "From", of: (one) => one.address },
        { name: "About", of: (one) => one.about },
      ]}
    />
  );
}
