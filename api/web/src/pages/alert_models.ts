// Alerts as the API has them.

export interface Instance {
  stat: string;
  stat_name: string | null;
  state: string;
  since: string | null;
  began: string | null;
  flapping: boolean;
  acknowledged: string | null;
  snoozed_until: string | null;
}

export interface Alert {
  id: string;
  name: string;
  kind: string;
  state: string;
  enabled: boolean;
  severity: string;
  aggregate: string | null;
  window: string | null;
  op: string | null;
  threshold: number | null;
  channels: string[];
  rule: Record<string, unknown>;
  watching: number;
  states: Instance[];
}

export interface Transition {
  stat_name: string | null;
  seq: number;
  from_state: string;
  to_state: string;
  at: string;
  value: number | null;
  reason: string;
  held: string | null;
}

export interface Channel {
  id: string;
  type: string;
  name: string;
  url: string | null;
  address: string | null;
  enabled: boolean;
  confirmed: boolean;
  status: string;
}

export interface Silence {
  id: string;
  from: string;
  until: string;
  match: string | null;
  alerts: string[];
  stats: string[];
  note: string;
}

export interface Delivery {
  id: string;
  state: string;
  channel: string;
  alert: string;
  event: string;
  stat: string | null;
  created: string;
  tries: number;
  reason: string;
}

/** What an alert asks, in words. */
export function asked(alert: Alert): string {
  const of = alert.aggregate ?? "value";
  const within = alert.window === null ? "" : ` in ${alert.window}`;
  if (alert.kind === "deadman" || alert.kind === "data") return "no point for too long";
  if (alert.kind === "delta") return `${of}${within} changes too much`;
  return `${of}${within} ${alert.op ?? ""} ${alert.threshold ?? ""}`;
}
