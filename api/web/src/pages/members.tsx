// Who may use the account, and who is invited.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { written } from "../chart/times";
import { owns } from "../session";
import { useLoaded } from "../ui/loaded";
import { Choice, Copied, Dialog, Field } from "../ui/parts";
import { complain, say } from "../ui/toasts";
import { Listing } from "./listing";

type Role = "owner" | "editor" | "viewer";

const ROLES: readonly (readonly [Role, string])[] = [
  ["viewer", "viewer: may look"],
  ["editor", "editor: may change dashboards and alerts"],
  ["owner", "owner: may do everything"],
];

interface Member {
  id: string;
  email: string;
  role: Role;
  since: string;
}

interface Invite {
  id: string;
  role: Role;
  email: string | null;
  expires: string;
}

export function Members() {
  const [inviting, setInviting] = useState(false);
  const members = useLoaded(
    (signal) => call<{ members: Member[] }>("GET", "/v1/members", { signal }).then((one) => one.members),
    [],
  );
  const invites = useLoaded(
    (signal) => (owns.value ? call<{ invites: Invite[] }>("GET", "/v1/invites", { signal }).then((one) => one.invites) : Promise.resolve([])),
    [],
  );
  const act = async (said: string, what: () => Promise<unknown>) => {
    try {
      await what();
      say(said);
      members.again();
      invites.again();
    } catch (error) {
      complain(error);
    }
  };
  const at = (one: Member) => `/v1/members/${encodeURIComponent(one.id)}`;
  return (
    <>
      {owns.value && (
        <button type="button" class="primary" onClick={() => setInviting(true)}>
          Invite somebody
        </button>
      )}
      <Listing
        label="Members"
        found={members}
        empty="No member."
        columns={[
          { name: "Who", of: (one) => one.email },
          {
            name: "Role",
            of: (one) =>
              owns.value ? (
                <Choice
                  label={`Role of ${one.email}`}
                  plain
                  value={one.role}
                  options={ROLES}
                  onChange={(role) => void act("Changed.", () => call("PATCH", at(one), { body: { role } }))}
                />
              ) : (
                ROLES.find(([role]) => role === one.role)?.[1]
              ),
          },
          { name: "Since", of: (one) => written(one.since), numeric: true },
          {
            name: "Remove",
            of: (one) =>
              owns.value && (
                <button
                  type="button"
                  class="quiet"
                  onClick={() => void act(`${one.email} is out.`, () => call("DELETE", at(one)))}
                >
                  Remove
                </button>
              ),
            numeric: true,
          },
        ]}
      />
      {invites.value && invites.value.length > 0 && (
        <>
          <h2>Invited</h2>
          <Listing
            label="Invitations"
            found={invites}
            empty=""
            columns={[
              { name: "Who", of: (one) => one.email ?? "whoever has the link" },
              { name: "Role", of: (one) => one.role },
              { name: "Until", of: (one) => written(one.expires), numeric: true },
              {
                name: "Take back",
                of: (one) => (
                  <button
                    type="button"
                    class="quiet"
                    onClick={() =>
                      void act("Taken back.", () => call("DELETE", `/v1/invites/${encodeURIComponent(one.id)}`))
                    }
                  >
                    Take back
                  </button>
                ),
                numeric: true,
              },
            ]}
          />
        </>
      )}
      {inviting && <Inviting onClose={() => setInviting(false)} onDone={invites.again} />}
    </>
  );
}

function Inviting({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [link, setLink] = useState<string | null>(null);
  const invite = async (event: Event) => {
    event.preventDefault();
    try {
      const body = { role, email: email === "" ? null : email };
      setLink((await call<{ link: string }>("POST", "/v1/invites", { body })).link);
      onDone();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Dialog title="Invite somebody" onClose={onClose}>
      {link !== null ? (
        <>
          <p>This link is shown this once, and is good for a week.</p>
          <Copied block label="the link" text={link} />
        </>
      ) : (
        <form onSubmit={(event) => void invite(event)}>
          <Field label="E-mail" type="email" value={email} onInput={setEmail} autofocus hint="empty: whoever has the link" />
          <Choice label="Role" value={role} options={ROLES} onChange={setRole} />
          <button class="primary" type="submit">
            Invite
          </button>
        </form>
      )}
    </Dialog>
  );
}
