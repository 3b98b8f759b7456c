// Who did what to the safety of the account.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { written } from "../chart/times";
import { useLoaded } from "../ui/loaded";
import { Pager } from "../ui/pager";
import { Listing } from "./listing";

interface Entry {
  at: string;
  event: string;
  who: string;
  address: string;
  about: string;
}

const PAGE = 100;

interface Page {
  entries: Entry[];
  next: string | null;
}

export function Audit() {
  const [cursor, setCursor] = useState<string | null>(null);
  const page = useLoaded((signal) => call<Page>("GET", "/v1/audit", { params: { limit: PAGE, cursor }, signal }), [cursor]);
  const entries = page.value?.entries.map((entry, index) => ({ ...entry, id: `${entry.at}-${index}` })) ?? null;
  return (
    <>
      <Listing
        label="Audit log"
        found={{ ...page, value: entries }}
        empty="Nothing happened yet."
        columns={[
          { name: "When", of: (one) => <span class="number">{written(one.at)}</span> },
          { name: "What", of: (one) => one.event.replaceAll("_", " ") },
          { name: "Who", of: (one) => one.who },
          { name: "From", of: (one) => one.address },
          { name: "About", of: (one) => one.about },
        ]}
      />
      <Pager cursor={cursor} next={page.value?.next ?? null} onTurn={setCursor} />
    </>
  );
}
