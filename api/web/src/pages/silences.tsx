// What is held back, until when, and when it comes again.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { written } from "../chart/times";
import { edits } from "../session";
import { useLoaded } from "../ui/loaded";
import { complain, say } from "../ui/toasts";
import { heldBack, type Silence } from "./alert_models";
import { Listing } from "./listing";
import { repeatText } from "./calendar";
import { SilenceCalendar } from "./silence_calendar";
import { SilenceForm } from "./silence_form";

export function Silences() {
  const found = useLoaded(
    (signal) => call<{ silences: Silence[] }>("GET", "/v1/silences", { signal }).then((one) => one.silences),
    [],
  );
  const [making, setMaking] = useState(false);
  const end = async (id: string) => {
    try {
      await call("DELETE", `/v1/silences/${encodeURIComponent(id)}`);
      say("It is over.");
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <>
      {edits.value && (
        <button type="button" class="primary start" onClick={() => setMaking(true)}>
          Hold back
        </button>
      )}
      <Listing
        label="Silences"
        found={found}
        empty="Nothing is held back."
        columns={[
          { name: "What", of: heldBack },
          { name: "Why", of: (one) => one.note },
          { name: "Now", of: (one) => (one.active ? `${one.mutes.length} held back` : "not yet") },
          { name: "From", of: (one) => written(one.active ? (one.coming[0]?.from ?? one.from) : (one.next ?? one.from)), numeric: true },
          { name: "Until", of: (one) => written(one.coming[0]?.until ?? one.until), numeric: true },
          { name: "Comes again", of: (one) => (one.rrule === null ? "" : `${repeatText(one.rrule)} (${one.tz})`) },
          {
            name: "End",
            of: (one) => (
              <button type="button" class="quiet" onClick={() => void end(one.id)}>
                End
              </button>
            ),
            numeric: true,
          },
        ]}
      />
      {found.value !== null && <SilenceCalendar silences={found.value} />}
      {making && <SilenceForm onClose={() => setMaking(false)} onDone={found.again} />}
    </>
  );
}
