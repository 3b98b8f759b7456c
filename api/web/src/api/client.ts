// Requests to the API: the one place that knows how they are signed and what their failures mean.

import { credentials, lost } from "../session";
import { Problem, problemOf } from "./problem";

export type Params = Record<string, string | number | boolean | readonly string[] | null | undefined>;

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Extra {
  params?: Params;
  body?: unknown;
  /** What is sent as it is, instead of a body. */
  file?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Who may ask without being known: a 401 is then an answer like others. */
  open?: boolean;
}

export interface Reply<T> {
  body: T;
  etag: string | null;
}

/** The decoded body of a reply; throws Problem. */
export async function call<T>(method: Method, path: string, extra: Extra = {}): Promise<T> {
  return (await ask<T>(method, path, extra)).body;
}

/** The decoded body of a reply and its version; throws Problem. */
export async function ask<T>(method: Method, path: string, extra: Extra = {}): Promise<Reply<T>> {
  const reply = await send(method, path, extra);
  const text = reply.status === 204 ? "" : await reply.text();
  const body = (text === "" ? null : JSON.parse(text)) as T;
  return { body, etag: reply.headers.get("etag") };
}

/** The reply itself, for streams and files; throws Problem. */
export async function send(method: Method, path: string, extra: Extra = {}): Promise<Response> {
  const headers = new Headers(credentials(method !== "GET"));
  for (const [name, value] of Object.entries(extra.headers ?? {})) headers.set(name, value);
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (extra.body !== undefined) {
    headers.set("content-type", "application/json");
    init.body = JSON.stringify(extra.body);
  } else if (extra.file !== undefined) {
    headers.set("content-type", "application/octet-stream");
    init.body = extra.file;
  }
  if (extra.signal) init.signal = extra.signal;
  const reply = await fetch(path + query(extra.params), init);
  if (reply.ok) return reply;
  const problem = await problemOf(reply);
  if (problem.status === 401 && extra.open !== true) lost();
  throw problem;
}

/** The parameters as the end of a URL; those without a value are left out. */
export function query(params: Params = {}): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === "") continue;
    if (Array.isArray(value)) for (const one of value as readonly string[]) pairs.append(name, one);
    else pairs.append(name, String(value));
  }
  const text = pairs.toString();
  return text === "" ? "" : `?${text}`;
}

/** Save a reply as a file: a link alone could not say who asks. */
export async function download(path: string, params: Params, name: string): Promise<void> {
  const reply = await send("GET", path, { params });
  const said = /filename="([^"]+)"/.exec(reply.headers.get("content-disposition") ?? "")?.[1];
  const address = URL.createObjectURL(await reply.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = said ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export { Problem };
