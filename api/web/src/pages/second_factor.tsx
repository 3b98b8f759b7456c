// Codes of an authenticator app at log-in: switched on with a first one, and off again.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { Copied, Dialog, Field } from "../ui/parts";
import { Sure } from "../ui/sure";
import { complain, say } from "../ui/toasts";
import type { Proof } from "./proof";

interface Secret {
  secret: string;
  uri: string;
}

interface SecondFactorProps {
  on: boolean;
  proof: Proof;
  onDone: () => void;
}

export function SecondFactor({ on, proof, onDone }: SecondFactorProps) {
  const [secret, setSecret] = useState<Secret | null>(null);
  const begin = async () => {
    try {
      setSecret(await proof.prove(() => call<Secret>("POST", "/v1/auth/totp")));
    } catch (error) {
      complain(error);
    }
  };
  const end = async () => {
    try {
      if ((await proof.prove(() => call("DELETE", "/v1/auth/totp").then(() => true))) === null) return;
      say("Log-in asks for no codes any more.");
      onDone();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <section class="card" aria-labelledby="profile-second">
      <h2 id="profile-second">Second factor</h2>
      <p class="muted">{on ? "Log-in asks for a code of your app." : "Log-in asks for the password alone."}</p>
      {on ? (
        <Sure verb="Switch off" name="the second factor" onSure={() => void end()} />
      ) : (
        <button type="button" onClick={() => void begin()}>
          Set up an app
        </button>
      )}
      {secret && <Enrol secret={secret} onClose={() => setSecret(null)} onDone={onDone} />}
    </section>
  );
}

function Enrol({ secret, onClose, onDone }: { secret: Secret; onClose: () => void; onDone: () => void }) {
  const [code, setCode] = useState("");
  const [kept, setKept] = useState<readonly string[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const confirm = async (event: Event) => {
    event.preventDefault();
    try {
      const { recovery_codes } = await call<{ recovery_codes: string[] }>("POST", "/v1/auth/totp/confirm", { body: { code: code.trim() }, open: true });
      setKept(recovery_codes);
      onDone();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  if (kept) {
    return (
      <Dialog title="Codes for when the app is lost" onClose={onClose}>
        <p>Each is good once. They are shown this once: keep them where the app is not.</p>
        <Copied block label="the codes" text={kept.join("\n")} />
      </Dialog>
    );
  }
  return (
    <Dialog title="Set up an app" onClose={onClose}>
      <form onSubmit={(event) => void confirm(event)}>
        <p>Let the app read this, or write the secret into it.</p>
        <Picture text={secret.uri} />
        <Copied label="the secret" text={secret.secret} />
        <p>
          <a href={secret.uri}>Open it in an app of this device</a>
        </p>
        <Field label="The code that the app shows" value={code} onInput={setCode} required autocomplete="one-time-code" fault={problem?.detail} />
        <button class="primary" type="submit">
          Ask for codes
        </button>
      </form>
    </Dialog>
  );
}

/** Squares beyond the edge that readers want to be empty. */
const EDGE = 4;

/** A QR code; what draws it is fetched when somebody needs one. */
function Picture({ text }: { text: string }) {
  const [squares, set] = useState<boolean[][]>([]);
  useEffect(() => {
    void import("qr").then(({ encodeQR }) => set(encodeQR(text, "raw", { border: EDGE })));
  }, [text]);
  const size = squares.length;
  const path = squares.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="QR code of the secret" shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
