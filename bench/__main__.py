"""Run the questions that are named, or all of them, and say which goals were reached."""

import importlib
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Final

from api.heap import keep_freed_memory
from bench.report import Missing, Row, show, summary

ORDER: Final = (
    "batches", "singles", "budget", "cardinality", "live", "alerts", "query", "storage", "imports",
    "recovery", "overload", "neighbours", "web",
)  # fmt: skip

INTERRUPTED: Final = 130
"""What shells expect of a program that ended by Ctrl-C."""

QUESTIONS: Final = tuple(
    sorted(
        (path.stem for path in (Path(__file__).parent / "questions").glob("[a-z]*.py")),
        key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name),
    )
)


def main(names: list[str]) -> int:
    """Answer questions; 2 when one is unknown, 1 when one could not be answered."""
    unknown = set(names) - set(QUESTIONS)
    if unknown:
        print(f"no such question: {', '.join(sorted(unknown))}; there are {', '.join(QUESTIONS)}")
        return 2
    # Whatever was started is stopped first. Trio hears of SIGINT where it can be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    keep_freed_memory()  # As the server does.
    answered: dict[str, list[Row]] = {}
    failed = False
    for name in names or QUESTIONS:
        try:
            answered[name] = importlib.import_module(f"bench.questions.{name}").measure()
        except Exception as error:
            # The others can still be answered; the table says what is missing.
            failed = True
            answered[name] = [Missing(name, f"failed: {error!r}")]
        show(name, answered[name])
    summary(answered)
    return 1 if failed else 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    code = INTERRUPTED
    try:
        code = main(sys.argv[1:])
    except* KeyboardInterrupt:
        print("interrupted; everything that was started is stopped", file=sys.stderr)
    sys.exit(code)
