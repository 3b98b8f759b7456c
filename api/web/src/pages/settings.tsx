// Settings: of the person, of the account, and of this browser.

import { Audit } from "./audit";
import { Imports } from "./imports";
import { KeysTab } from "./keys";
import { Members } from "./members";
import { PlanTab } from "./plan";
import { Profile } from "./profile";
import { Sessions } from "./sessions";
import { Shown } from "./shown";
import { who } from "../session";

const TABS: readonly (readonly [string, string, boolean])[] = [
  // address, name, only for people with an account
  ["profile", "Profile", true],
  ["keys", "API keys", false],
  ["shown", "Display", false],
  ["plan", "Plan and usage", false],
  ["import", "Import", false],
  ["sessions", "Sessions", true],
  ["members", "Members", true],
  ["audit", "Audit log", false],
];

export function SettingsPage({ tab }: { tab: string }) {
  const person = who.value.kind === "user";
  return (
    <section class="page">
      <header class="page-head">
        <h1>Settings</h1>
        {who.value.kind === "user" && (
          <span class="muted">
            {who.value.user.email} {who.value.user.role !== null && `· ${who.value.user.role}`}
          </span>
        )}
      </header>
      <nav class="tabs" aria-label="Settings">
        {TABS.filter(([, , only]) => person || !only).map(([to, name]) => (
          <a key={to} href={`/settings/${to}`} data-page aria-current={to === tab ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <Tab tab={tab} />
    </section>
  );
}

function Tab({ tab }: { tab: string }) {
  switch (tab) {
    case "shown":
      return <Shown />;
    case "profile":
      return <Profile />;
    case "import":
      return <Imports />;
    case "plan":
      return <PlanTab />;
    case "sessions":
      return <Sessions />;
    case "members":
      return <Members />;
    case "audit":
      return <Audit />;
    default:
      return <KeysTab />;
  }
}
