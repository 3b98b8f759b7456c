// Before the first point: the line to paste. The chart takes its place when the point arrives.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import type { NewKey } from "../api/models";
import { Stream } from "../live/stream";
import { owns, who } from "../session";
import { complain } from "../ui/toasts";
import { Copied } from "../ui/parts";

export function Empty({ onFirst }: { onFirst: (stat: string) => void }) {
  const [key, setKey] = useState<string | null>(who.value.kind === "key" ? who.value.key : null);
  useEffect(() => {
    // The first point of any stat is told here: no reload, no asking again and again.
    const stream = new Stream(
      { match: "*", resolution: "1s" },
      {
        data: (data) => onFirst(data.stat),
        gap: () => undefined,
        state: () => undefined,
      },
    );
    return () => stream.close();
  }, []);
  const make = async () => {
    try {
      const body = { name: "first", scopes: ["write"] };
      setKey((await call<NewKey>("POST", "/v1/auth/api-keys", { body })).key);
    } catch (error) {
      complain(error);
    }
  };
  return (
    <section class="empty">
      <h1>Send the first point</h1>
      <p>Paste this into a terminal. The chart appears here the moment the point is stored.</p>
      <Copied block label="the command" text={firstLine(key ?? "sf_your_key_here")} />
      {key === null && owns.value && (
        <button type="button" class="primary" onClick={() => void make()}>
          Put a new key into it
        </button>
      )}
      <p class="hint">
        Programs send points in other ways too: <a href="/docs">the guide</a> has them all.
      </p>
      <p class="waiting" role="status">
        Waiting for a point…
      </p>
    </section>
  );
}

export function firstLine(key: string): string {
  return [
    `curl -X POST ${location.origin}/v1/ingest \\`,
    `  -H "Authorization: Bearer ${key}" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '{"stat":"my_first_metric","value":1,"type":"counter"}'`,
  ].join("\n");
}
