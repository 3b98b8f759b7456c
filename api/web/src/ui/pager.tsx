// Through a list that is longer than a page: older ones, and back to the newest.

interface PagerProps {
  /** The cursor of the page in sight; null on the first. */
  cursor: string | null;
  next: string | null;
  onTurn: (cursor: string | null) => void;
}

export function Pager({ cursor, next, onTurn }: PagerProps) {
  return (
    <footer class="pager">
      {cursor !== null && (
        <button type="button" onClick={() => onTurn(null)}>
          Newest
        </button>
      )}
      {next !== null && (
        <button type="button" onClick={() => onTurn(next)}>
          Older
        </button>
      )}
    </footer>
  );
}
