// The notes that the chart of a stat shows, as a list that a keyboard reaches too.

import type { Annotation } from "../api/models";
import type { Notes } from "../chart/annotations";
import { written } from "../chart/times";
import { Listing } from "./listing";
import { remove } from "./note";

export function StatNotes({ notes, onEdit }: { notes: Notes; onEdit: (note: Annotation) => void }) {
  if (notes.notes.length === 0) return null;
  return (
    <section aria-label="Notes">
      <h2>What happened</h2>
      <Listing
        label="Notes"
        found={{ value: notes.notes, problem: null, again: notes.again }}
        empty=""
        columns={[
          { name: "When", of: (one) => <span class="number">{written(one.at)}</span> },
          { name: "Until", of: (one) => (one.until === null ? "" : written(one.until)) },
          { name: "What", of: (one) => one.title },
          { name: "More", of: (one) => one.text },
          { name: "Tags", of: (one) => one.tags.join(", ") },
          {
            name: "Do",
            of: (one) => (
              <>
                <button type="button" class="quiet" aria-label={`Edit ${one.title}`} onClick={() => onEdit(one)}>
                  Edit
                </button>
                <button type="button" class="quiet" aria-label={`Remove ${one.title}`} onClick={() => void remove(one, notes.again)}>
                  Remove
                </button>
              </>
            ),
            numeric: true,
          },
        ]}
      />
    </section>
  );
}
