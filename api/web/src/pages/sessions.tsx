// Where one is logged in, and how to end it.

import { call } from "../api/client";
import { ago, written } from "../chart/times";
import { useLoaded } from "../ui/loaded";
import { complain, say } from "../ui/toasts";
import { agentText } from "./agent";
import { Listing } from "./listing";

interface Session {
  id: string;
  created: string;
  last_used: string;
  address: string;
  agent: string;
  current: boolean;
}

export function Sessions() {
  const found = useLoaded(
    (signal) => call<{ sessions: Session[] }>("GET", "/v1/auth/sessions", { signal }).then((one) => one.sessions),
    [],
  );
  const end = async (id: string | null) => {
    try {
      await call("DELETE", id === null ? "/v1/auth/sessions" : `/v1/auth/sessions/${encodeURIComponent(id)}`);
      say(id === null ? "Every other session is over." : "The session is over.");
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <>
      <button type="button" onClick={() => void end(null)}>
        End all others
      </button>
      <Listing
        label="Sessions"
        found={found}
        empty="No session."
        columns={[
          { name: "Browser", of: (one) => <span title={one.agent}>{agentText(one.agent)}</span> },
          { name: "From", of: (one) => one.address },
          { name: "Since", of: (one) => written(one.created), numeric: true },
          { name: "Used", of: (one) => ago(one.last_used, Date.now()), numeric: true },
          {
            name: "End",
            of: (one) =>
              one.current ? (
                "this one"
              ) : (
                <button type="button" class="quiet" onClick={() => void end(one.id)}>
                  End
                </button>
              ),
            numeric: true,
          },
        ]}
      />
    </>
  );
}
