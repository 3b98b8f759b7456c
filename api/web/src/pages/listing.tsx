// A plain table of whatever a list of the API has, for records that are only read.

import { Trouble } from "../ui/parts";
import type { Loaded } from "../ui/loaded";
import type { ComponentChildren } from "preact";

export interface Column<T> {
  name: string;
  of: (row: T) => ComponentChildren;
  numeric?: boolean;
}

interface ListingProps<T> {
  label: string;
  found: Loaded<readonly T[]>;
  columns: readonly Column<T>[];
  empty: string;
}

export function Listing<T extends { id: string }>({ label, found, columns, empty }: ListingProps<T>) {
  if (found.problem?.status === 404) return <p class="muted">This server does not keep them.</p>;
  if (found.problem) return <Trouble problem={found.problem} again={found.again} />;
  if (found.value?.length === 0) return <p class="muted">{empty}</p>;
  return (
    <div class="scroller" tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" class={column.numeric ? "right" : undefined}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(found.value ?? []).map((row) => (
            <tr key={row.id}>
              {columns.map((column) => (
                <td key={column.name} class={column.numeric ? "right number" : undefined}>
                  {column.of(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
