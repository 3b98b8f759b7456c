// In: with an account, with the link of a mail or of the first start, or with an API key.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { go, onward, path } from "../router";
import { entered, enterWithKey, who } from "../session";
import { Icon } from "../ui/icon";
import { Field } from "../ui/parts";

type Way = "login" | "signup" | "claim" | "join" | "forgot" | "reset" | "verify" | "key";

const TITLES: Record<Way, string> = {
  login: "Log in",
  signup: "Sign up",
  claim: "Claim this server",
  join: "Join",
  forgot: "Forgot the password",
  reset: "Choose a new password",
  verify: "Confirm your address",
  key: "Use an API key",
};

/** What sends a form, where it is not its title. */
const VERBS: Partial<Record<Way, string>> = {
  forgot: "Mail me a link",
  reset: "Take it",
  verify: "Confirm it",
};

const SENT_TO: Record<Exclude<Way, "key">, string> = {
  login: "/v1/auth/login",
  signup: "/v1/auth/signup",
  claim: "/v1/auth/claim",
  join: "/v1/auth/accept-invite",
  forgot: "/v1/auth/reset",
  reset: "/v1/auth/reset/confirm",
  verify: "/v1/auth/verify",
};

const BY_PATH: Record<string, Way> = {
  "/signup": "signup",
  "/claim": "claim",
  "/join": "join",
  "/reset": "reset",
  "/verify": "verify",
};

const MAILED = "Check your mail: it has the link that finishes this.";
const PASSWORD_HINT = "8 to 256 characters; a sentence is best";

export function Login() {
  const [way, setWay] = useState<Way>(BY_PATH[path.value] ?? "login");
  const others = (["login", "signup", "forgot", "key"] as const).filter((one) => one !== way);
  return (
    <main class="door" id="main" tabIndex={-1}>
      <div class="door-box">
        <div class="brand">
          <Icon name="mark" />
          <span>StatFlow</span>
        </div>
        <h1>{TITLES[way]}</h1>
        {way === "key" ? <KeyForm /> : <AccountForm way={way} key={way} />}
        <p class="door-ways">
          {others.map((one) => (
            <button key={one} type="button" class="link" onClick={() => setWay(one)}>
              {TITLES[one]}
            </button>
          ))}
        </p>
      </div>
    </main>
  );
}

function KeyForm() {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const enter = async (event: Event) => {
    event.preventDefault();
    const given = key.trim();
    try {
      const headers = { authorization: `Bearer ${given}` };
      await call("GET", "/v1/stats", { params: { limit: 1 }, headers, open: true });
      enterWithKey(given);
      go(onward(), { replace: true });
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <form onSubmit={(event) => void enter(event)}>
      <Field
        label="API key"
        type="password"
        value={key}
        onInput={setKey}
        autofocus
        required
        placeholder="sf_…"
        fault={problem?.detail}
        hint="The server printed one at its first start. It stays in this tab."
      />
      <button class="primary" type="submit">
        Look
      </button>
    </form>
  );
}

function AccountForm({ way }: { way: Exclude<Way, "key"> }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [told, setTold] = useState<string | null>(null);
  // Browsers keep what stands behind # to themselves; it is read once and taken out of sight.
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get("token") ?? "");
  useEffect(() => {
    if (token !== "") history.replaceState(null, "", location.pathname);
  }, []);
  const withEmail = way !== "reset" && way !== "verify";
  const withPassword = way !== "forgot" && way !== "verify";
  const withCode = problem?.code === "totp_required" || problem?.code === "wrong_code" || code !== "";
  const withToken = way === "claim" || way === "join" || way === "reset" || way === "verify";
  const send = async (event: Event) => {
    event.preventDefault();
    setProblem(null);
    const body = {
      ...(withEmail ? { email } : {}),
      ...(withPassword ? { password } : {}),
      ...(way === "login" && code !== "" ? { code } : {}),
      ...(withToken ? { token } : {}),
    };
    try {
      await call("POST", SENT_TO[way], { body, open: true });
      await entered();
      if (who.value.kind === "user") go(onward(), { replace: true });
      else setTold(way === "reset" ? "The password is changed: log in with it." : MAILED);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  if (told !== null) return <p role="status">{told}</p>;
  const fresh = way !== "login";
  const shown = problem && !problem.of("email") && !problem.of("password") ? problem : null;
  return (
    <form onSubmit={(event) => void send(event)}>
      {withEmail && (
        <Field
          label="E-mail"
          type="email"
          value={email}
          onInput={setEmail}
          autocomplete="username"
          autofocus
          required
          fault={problem?.of("email")}
        />
      )}
      {withPassword && (
        <Field
          label="Password"
          type="password"
          value={password}
          onInput={setPassword}
          autocomplete={fresh ? "new-password" : "current-password"}
          required
          fault={problem?.of("password")}
          {...(fresh ? { hint: PASSWORD_HINT } : {})}
        />
      )}
      {way === "login" && withCode && (
        <Field label="Code of your app" value={code} onInput={setCode} autocomplete="one-time-code" autofocus />
      )}
      {shown && (
        <p class="fault" role="alert">
          {shown.detail}
        </p>
      )}
      <button class="primary" type="submit">
        {VERBS[way] ?? TITLES[way]}
      </button>
    </form>
  );
}
