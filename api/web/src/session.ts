// Who is looking: a user with a session cookie, or whoever pasted an API key into this tab.
//
// A key lives in the tab's own storage and is gone with it; a session's secret is a cookie that no
// script can read, so that what is kept here is only its counterpart for unsafe requests.

import { computed, signal } from "@preact/signals";

const KEY_PLACE = "statflow.key";

/** Set while there may be a session: whoever never logged in here is not asked about one. */
const SEEN_PLACE = "statflow.session";

export interface User {
  email: string;
  account: string | null;
  role: string | null;
  csrf: string;
}

export type Who =
  | { kind: "unknown" }
  | { kind: "nobody" }
  | { kind: "key"; key: string }
  | { kind: "user"; user: User };

export const who = signal<Who>({ kind: "unknown" });

export const known = computed(() => who.value.kind === "key" || who.value.kind === "user");

/** Whether to offer what only owners, or editors too, may do; a key has no role, and is refused in words. */
export const owns = computed(() => inRole("owner"));
export const edits = computed(() => inRole("owner", "editor"));

function inRole(...roles: string[]): boolean {
  const one = who.value;
  return one.kind === "key" || (one.kind === "user" && roles.includes(one.user.role ?? ""));
}

interface SessionBody {
  user: { id: string; email: string; verified: boolean; totp: boolean };
  account: { id: number; name: string } | null;
  role: string | null;
  csrf: string;
}

/** Find out who is looking; called once at the start, and after logging in. */
export async function discover(): Promise<void> {
  const key = sessionStorage.getItem(KEY_PLACE);
  if (key !== null) {
    who.value = { kind: "key", key };
    return;
  }
  if (localStorage.getItem(SEEN_PLACE) === null) {
    who.value = { kind: "nobody" };
    return;
  }
  const reply = await fetch("/v1/auth/session", { credentials: "same-origin", cache: "no-store" });
  if (reply.ok) {
    who.value = { kind: "user", user: userOf((await reply.json()) as SessionBody) };
    return;
  }
  if (reply.status === 401) localStorage.removeItem(SEEN_PLACE);
  who.value = { kind: "nobody" };
}

/** A session may have begun: see whose it is. */
export async function entered(): Promise<void> {
  localStorage.setItem(SEEN_PLACE, "1");
  await discover();
}

/** Look with an API key; it has been tried already. */
export function enterWithKey(key: string): void {
  sessionStorage.setItem(KEY_PLACE, key);
  who.value = { kind: "key", key };
}

/** Forget who was looking. */
export function leave(): void {
  sessionStorage.removeItem(KEY_PLACE);
  localStorage.removeItem(SEEN_PLACE);
  who.value = { kind: "nobody" };
}

/** The server no longer knows the key or the session. */
export function lost(): void {
  if (known.value) leave();
}

/** Headers that say who asks. */
export function credentials(unsafe: boolean): Record<string, string> {
  const one = who.value;
  if (one.kind === "key") return { authorization: `Bearer ${one.key}` };
  if (one.kind === "user" && unsafe) return { "x-csrf-token": one.user.csrf };
  return {};
}

function userOf(body: SessionBody): User {
  const { user, account, role, csrf } = body;
  return { email: user.email, account: account?.name ?? null, role, csrf };
}
