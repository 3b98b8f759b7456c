// API keys: make, see once, revoke.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { Key, NewKey } from "../api/models";
import { asProblem, type Problem } from "../api/problem";
import { ago, written } from "../chart/times";
import { useLoaded } from "../ui/loaded";
import { Copied, Dialog, Field, Refusal, Trouble } from "../ui/parts";
import { Sure } from "../ui/sure";
import { complain, say } from "../ui/toasts";

const SCOPES = ["read", "write", "snooze", "admin"] as const;

export function KeysTab() {
  const found = useLoaded((signal) => call<{ keys: Key[] }>("GET", "/v1/auth/api-keys", { signal }), []);
  const [making, setMaking] = useState(false);
  const revoke = async (key: Key) => {
    try {
      await call("DELETE", `/v1/auth/api-keys/${encodeURIComponent(key.id)}`);
      say(`The key ${key.name || key.id} is revoked.`);
      found.again();
    } catch (error) {
      complain(error);
    }
  };
  if (found.problem) return <Trouble problem={found.problem} again={found.again} />;
  const now = Date.now();
  return (
    <>
      <button type="button" class="primary" onClick={() => setMaking(true)}>
        New key
      </button>
      <div class="scroller" tabIndex={0} role="group" aria-label="API keys">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Key</th>
              <th scope="col">May</th>
              <th scope="col">Stats</th>
              <th scope="col">Made</th>
              <th scope="col">Last used</th>
              <th scope="col">Until</th>
              <th scope="col">
                <span class="unseen">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {(found.value?.keys ?? []).map((key) => (
              <tr key={key.id}>
                <th scope="row">{key.name || <span class="muted">unnamed</span>}</th>
                <td>
                  <code>
                    sf_{key.id}…{key.last4}
                  </code>
                </td>
                <td>{key.scopes.join(", ")}</td>
                <td>{key.prefix === null ? "all" : `${key.prefix}*`}</td>
                <td class="number">{written(key.created)}</td>
                <td class="number">{ago(key.last_used, now)}</td>
                <td class="number">{key.expires === null ? "for ever" : written(key.expires)}</td>
                <td class="right">
                  <Sure verb="Revoke" name={key.name || key.id} onSure={() => void revoke(key)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {making && <Make onClose={() => setMaking(false)} onDone={found.again} />}
    </>
  );
}

function Make({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [prefix, setPrefix] = useState("");
  const [scopes, setScopes] = useState<readonly string[]>(["write"]);
  const [made, setMade] = useState<NewKey | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      const body = { name, scopes, ...(prefix ? { prefix } : {}) };
      setMade(await call<NewKey>("POST", "/v1/auth/api-keys", { body }));
      onDone();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  if (made) {
    return (
      <Dialog title="The new key" onClose={onClose}>
        <p>It is shown this once. Whoever has it may {made.scopes.join(", ")}.</p>
        <Copied block label="the key" text={made.key} />
      </Dialog>
    );
  }
  return (
    <Dialog title="New key" onClose={onClose}>
      <form onSubmit={(event) => void make(event)}>
        <Field label="Name" value={name} onInput={setName} autofocus fault={problem?.of("name")} placeholder="ci" />
        <fieldset>
          <legend>May</legend>
          {SCOPES.map((scope) => (
            <label key={scope} class="check">
              <input
                type="checkbox"
                checked={scopes.includes(scope)}
                onChange={(event) =>
                  setScopes(event.currentTarget.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))
                }
              />
              {scope}
            </label>
          ))}
        </fieldset>
        <Field
          label="Only stats whose names begin with"
          value={prefix}
          onInput={setPrefix}
          fault={problem?.of("prefix")}
          placeholder="web."
        />
        <Refusal problem={problem} />
        <button class="primary" type="submit" disabled={scopes.length === 0}>
          Make it
        </button>
      </form>
    </Dialog>
  );
}
