// The variables of a board: which part of the stat names to look at, kept in the address.

import { call } from "../api/client";
import type { StatList } from "../api/models";
import { adjust } from "../router";
import { useLoaded } from "../ui/loaded";
import { Choice } from "../ui/parts";
import { optionsOf, type Board, type Variable } from "./model";

const NAMES_MAX = 500;

export function Variables({ board, chosen }: { board: Board; chosen: ReadonlyMap<string, string> }) {
  return (
    <>
      {board.variables.map((one) => (
        <Picked key={one.name} variable={one} value={chosen.get(one.name) ?? one.value} />
      ))}
    </>
  );
}

function Picked({ variable, value }: { variable: Variable; value: string }) {
  const found = useLoaded(
    (signal) => call<StatList>("GET", "/v1/stats", { params: { q: variable.match, limit: NAMES_MAX }, signal }),
    [variable.match],
  );
  const names = (found.value?.stats ?? []).map((one) => one.name);
  const options = [...new Set(["*", value, ...optionsOf(variable.match, names)])];
  return (
    <Choice
      label={variable.name}
      value={value}
      options={options.map((one) => [one, one === "*" ? "all" : one] as const)}
      onChange={(next) => adjust({ [`var-${variable.name}`]: next === variable.value ? null : next })}
    />
  );
}
