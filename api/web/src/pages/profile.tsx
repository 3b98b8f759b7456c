// Who one is here: the address, the password, the second factor, and which account one looks at.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { go } from "../router";
import { entered } from "../session";
import { useLoaded } from "../ui/loaded";
import { Choice, Field, Trouble } from "../ui/parts";
import { Sure } from "../ui/sure";
import { complain, say } from "../ui/toasts";
import { ProofDialog, useProof, type Proof } from "./proof";
import { SecondFactor } from "./second_factor";

interface Account {
  id: number;
  name: string;
}

interface Session {
  user: { id: string; email: string; verified: boolean; totp: boolean };
  account: Account | null;
  role: string | null;
  accounts: Account[];
}

export function Profile() {
  const found = useLoaded((signal) => call<Session>("GET", "/v1/auth/session", { signal }), []);
  const proof = useProof();
  if (found.problem) return <Trouble problem={found.problem} again={found.again} />;
  const session = found.value;
  if (!session) return null;
  return (
    <div class="cards">
      <Address user={session.user} proof={proof} />
      <Password code={session.user.totp} onDone={found.again} />
      <SecondFactor on={session.user.totp} proof={proof} onDone={found.again} />
      <Accounts session={session} proof={proof} onDone={found.again} />
      <ProofDialog proof={proof} />
    </div>
  );
}

function Address({ user, proof }: { user: Session["user"]; proof: Proof }) {
  const [email, setEmail] = useState(user.email);
  const [problem, setProblem] = useState<Problem | null>(null);
  const ask = async (event: Event) => {
    event.preventDefault();
    try {
      const sent = await proof.prove(() => call("POST", "/v1/auth/email", { body: { email } }));
      if (sent !== null) say("Check your mail: it has the link that finishes this.");
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <section class="card" aria-labelledby="profile-address">
      <h2 id="profile-address">Address</h2>
      <p class="muted">
        {user.email} {user.verified ? "is confirmed." : "is not confirmed yet."}
      </p>
      <form onSubmit={(event) => void ask(event)}>
        <Field label="E-mail" type="email" value={email} onInput={setEmail} required autocomplete="email" fault={problem?.detail} />
        <button type="submit">{email === user.email ? "Confirm it" : "Change it"}</button>
      </form>
    </section>
  );
}

function Password({ code: withCode, onDone }: { code: boolean; onDone: () => void }) {
  const [password, setPassword] = useState("");
  const [next, setNext] = useState("");
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const change = async (event: Event) => {
    event.preventDefault();
    try {
      const body = { password, new_password: next, ...(code === "" ? {} : { code }) };
      await call("POST", "/v1/auth/password", { body, open: true });
      // A new cookie came with the answer, and with it another counterpart.
      await entered();
      say("The password is changed; every other session is over.");
      setPassword("");
      setNext("");
      setCode("");
      setProblem(null);
      onDone();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const ofNew = problem?.code === "password" ? problem.detail : undefined;
  return (
    <section class="card" aria-labelledby="profile-password">
      <h2 id="profile-password">Password</h2>
      <form onSubmit={(event) => void change(event)}>
        <Field
          label="Current password"
          type="password"
          value={password}
          onInput={setPassword}
          required
          autocomplete="current-password"
          fault={ofNew === undefined ? problem?.detail : undefined}
        />
        <Field
          label="New password"
          type="password"
          value={next}
          onInput={setNext}
          required
          autocomplete="new-password"
          fault={ofNew}
          hint="8 to 256 characters; a sentence is best"
        />
        {withCode && <Field label="Code of your app" value={code} onInput={setCode} autocomplete="one-time-code" required />}
        <button type="submit">Change the password</button>
      </form>
    </section>
  );
}

function Accounts({ session, proof, onDone }: { session: Session; proof: Proof; onDone: () => void }) {
  const here = session.account;
  const look = async (id: string) => {
    try {
      await call("PATCH", "/v1/auth/session", { body: { account: Number(id) } });
      await entered();
      onDone();
    } catch (error) {
      complain(error);
    }
  };
  const out = async (method: "POST" | "DELETE", path: string, said: string) => {
    try {
      if ((await proof.prove(() => call(method, path).then(() => true))) === null) return;
      say(said);
      // Into another account, if there is one; else out.
      await entered();
      go("/");
    } catch (error) {
      complain(error);
    }
  };
  if (here === null) return null;
  return (
    <section class="card" aria-labelledby="profile-account">
      <h2 id="profile-account">Account</h2>
      {session.accounts.length > 1 ? (
        <Choice
          label="Look at"
          value={String(here.id)}
          options={session.accounts.map((one) => [String(one.id), one.name] as const)}
          onChange={(id) => void look(id)}
        />
      ) : (
        <p>{here.name}</p>
      )}
      <p class="muted">You are its {session.role}.</p>
      <div class="row">
        <Sure verb="Leave" name={here.name} onSure={() => void out("POST", "/v1/members/leave", `You have left ${here.name}.`)} />
        {session.role === "owner" && (
          <Sure verb="Delete" name={here.name} onSure={() => void out("DELETE", "/v1/account", `${here.name} is deleted.`)} />
        )}
      </div>
    </section>
  );
}
