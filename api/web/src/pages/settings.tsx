// Settings: of the person, of the account, and of this browser.

import { Audit } from "./audit";
import { Imports } from "./imports";
import { KeysTab } from "./keys";
import { Members } from "./members";
import { PlanTab } from "./plan";
import { Profile } from "./profile";
import { Sessions } from "./sessions";
import { Shown } from "./shown";
import { owns, who } from "../session";

const TABS: readonly (readonly [string, string, "all" | "people" | "owners"])[] = [
  // address, name, whom it is for
  ["profile", "Profile", "people"],
  ["keys", "API keys", "owners"],
  ["shown", "Display", "all"],
  ["plan", "Plan and usage", "all"],
  ["import", "Import", "owners"],
  ["sessions", "Sessions", "people"],
  ["members", "Members", "people"],
  ["audit", "Audit log", "owners"],
];

export function SettingsPage({ tab: asked }: { tab: string | null }) {
  const may = { all: true, people: who.value.kind === "user", owners: owns.value };
  const tabs = TABS.filter(([, , whom]) => may[whom]);
  const tab = asked ?? (owns.value ? "keys" : "profile");
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
        {tabs.map(([to, name]) => (
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
