// What only the password opens: the request is made, and made again once it was given.

import { useState, type StateUpdater, type Dispatch } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { Dialog, Field } from "../ui/parts";

interface Waiting {
  go: () => void;
  stop: () => void;
}

export interface Proof {
  /** What the request gave, after the password when it is asked for; null when none was given. */
  prove: <T>(request: () => Promise<T>) => Promise<T | null>;
  waiting: Waiting | null;
  set: Dispatch<StateUpdater<Waiting | null>>;
}

export function useProof(): Proof {
  const [waiting, set] = useState<Waiting | null>(null);
  const prove = async <T,>(request: () => Promise<T>): Promise<T | null> => {
    try {
      return await request();
    } catch (error) {
      if (asProblem(error).code !== "reauthentication_required") throw error;
    }
    const given = await new Promise<boolean>((resolve) => set({ go: () => resolve(true), stop: () => resolve(false) }));
    return given ? request() : null;
  };
  return { prove, waiting, set };
}

export function ProofDialog({ proof: { waiting, set } }: { proof: Proof }) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  if (!waiting) return null;
  const close = () => {
    setPassword("");
    setCode("");
    setProblem(null);
    set(null);
    // Whoever has given the password is past this already.
    waiting.stop();
  };
  const give = async (event: Event) => {
    event.preventDefault();
    try {
      await call("POST", "/v1/auth/reauthenticate", { body: { password, ...(code === "" ? {} : { code }) }, open: true });
      waiting.go();
      close();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const withCode = problem?.code === "totp_required" || problem?.code === "wrong_code" || code !== "";
  return (
    <Dialog title="Your password once more" onClose={close}>
      <form onSubmit={(event) => void give(event)}>
        <Field
          label="Password"
          type="password"
          value={password}
          onInput={setPassword}
          autocomplete="current-password"
          autofocus
          required
          fault={withCode ? undefined : problem?.detail}
        />
        {withCode && <Field label="Code of your app" value={code} onInput={setCode} autocomplete="one-time-code" fault={problem?.detail} />}
        <button class="primary" type="submit">
          Go on
        </button>
      </form>
    </Dialog>
  );
}
