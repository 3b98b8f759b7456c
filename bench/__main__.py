"""Run the questions that are named, or all of them."""

import importlib
import sys
from pathlib import Path

from api.heap import keep_freed_memory
from bench.report import Figure, show

NOT_QUESTIONS = {"__init__", "__main__", "report", "dense_year", "processes"}
QUESTIONS = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_QUESTIONS
)


def main(names: list[str]) -> int:
    """Answer questions; 2 when one is unknown."""
    unknown = set(names) - set(QUESTIONS)
    if unknown:
        print(f"no such question: {', '.join(sorted(unknown))}; there are {', '.join(QUESTIONS)}")
        return 2
    keep_freed_memory()  # As the server does.
    for name in names or QUESTIONS:
        figures: list[Figure] = importlib.import_module(f"bench.{name}").measure()
        show(name, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
