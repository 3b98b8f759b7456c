// Which browser on what, from how it names itself. Pure.

type Sign = readonly [string, RegExp];

// Most pretend to be others too: the first that fits is what it is.
const BROWSERS: readonly Sign[] = [
  ["Edge", /Edg\//],
  ["Opera", /OPR\//],
  ["Firefox", /Firefox\//],
  ["Chrome", /Chrome\//],
  ["Safari", /Safari\//],
];
const SYSTEMS: readonly Sign[] = [
  ["Android", /Android/],
  ["iPhone", /iPhone/],
  ["iPad", /iPad/],
  ["Windows", /Windows/],
  ["macOS", /Mac OS X/],
  ["Linux", /Linux/],
];

/** A browser in a few words; what is none of the known ones says it itself. */
export function agentText(agent: string): string {
  const browser = named(BROWSERS, agent);
  const system = named(SYSTEMS, agent);
  if (browser === null) return agent;
  return system === null ? browser : `${browser} on ${system}`;
}

function named(signs: readonly Sign[], agent: string): string | null {
  return signs.find(([, sign]) => sign.test(agent))?.[0] ?? null;
}
