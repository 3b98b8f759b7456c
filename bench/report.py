"""What a question answers with: figures, their goals, and the tables they are printed in."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.cores import CORES, LINUX
from bench.effort import QUICK
from bench.plot import Bar, plot, shown

RESULTS: Final = Path(__file__).parent / "results"

WIDTH: Final = 160
"""Columns of a table where the terminal does not say."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of samples, with the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Spread":
        """That of at least one sample."""
        return cls(statistics.median(samples), min(samples), max(samples))


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number: the median, its spread (least and most), and the goal, if any.

    `goal` is the value to stay below (`at_most`) or to reach; `split` the same measured with the
    store server free to use the other core; `note` what one must know to compare it.
    """

    name: str
    median: float
    least: float
    most: float
    unit: str
    goal: float | None = None
    at_most: bool = True
    split: Spread | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the goal; None without one."""
        if self.goal is None:
            return None
        return self.median <= self.goal if self.at_most else self.median >= self.goal


@dataclass(frozen=True, slots=True)
class Missing:
    """A row that could not be measured, and why."""

    name: str
    why: str


Row = Figure | Missing


def once(
    name: str, value: float, unit: str, goal: float | None = None, *, at_most: bool = True
) -> Figure:
    """A figure that was measured once: a size, a count, or a share over a long run."""
    return Figure(name, value, value, value, unit, goal, at_most)


def of_samples(
    name: str,
    samples: Sequence[float],
    unit: str,
    goal: float | None = None,
    *,
    at_most: bool = True,
    split: Sequence[float] = (),
    note: str = "",
) -> Figure:
    """The median of samples, with the least and the most of them."""
    spread = Spread.of(samples)
    other = Spread.of(split) if split else None
    return Figure(
        name, spread.median, spread.least, spread.most, unit, goal, at_most, other, note
    )  # fmt: skip


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """How many times theirs ours is, run by run: both of a pair saw the same machine."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def ratio_of(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    goal: float | None = None,
    *,
    at_most: bool = True,
    split: Sequence[float] = (),
) -> Row:
    """The row of such ratios, and of `split` to theirs."""
    if not all(theirs):
        return Missing(name, "of the other there was nothing in a run")
    both = ratios(split, theirs) if split else ()
    return of_samples(name, ratios(ours, theirs), "×", goal, at_most=at_most, split=both)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The sample that so many percent are not above: a measured one, nothing in between."""
    ordered = sorted(samples)
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def timed(step: Callable[[], object]) -> float:
    """Seconds that a step takes."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def show(question: str, rows: Sequence[Row]) -> None:
    """Print a table, and keep it as JSON and as a plot."""
    figures = [row for row in rows if isinstance(row, Figure)]
    headings = ["figure", "median", "least … most"]
    headings += ["split"] if any(one.split for one in figures) else []
    headings += ["goal", ""]
    headings += ["note"] if any(one.note for one in figures) else []
    table = Table(title=question, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in {"figure", "note"} else "right")
    for row in rows:
        cells = cells_of(row)
        table.add_row(*(cells.get(heading, "") for heading in headings))
    _console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{question}.json").write_text(json.dumps(content(question, rows), indent=1) + "\n")
    (RESULTS / f"{question}.svg").write_text(plot(question, list(map(_bar, figures))))


def cells_of(row: Row) -> dict[str, str]:
    """What stands under each heading."""
    if isinstance(row, Missing):
        return {"figure": row.name, "median": "—", "least … most": row.why}
    spread = "" if row.least == row.most else f"{shown(row.least)} … {shown(row.most)}"
    return {
        "figure": row.name,
        "median": f"{shown(row.median)} {row.unit}",
        "least … most": spread,
        "split": "" if row.split is None else shown(row.split.median),
        "goal": goal_of(row),
        "": {None: "", True: "reached", False: "NOT REACHED"}[row.reached],
        "note": row.note,
    }


def goal_of(figure: Figure) -> str:
    """The goal as people write it."""
    return "" if figure.goal is None else f"{'≤' if figure.at_most else '≥'} {shown(figure.goal)}"


def summary(answered: Mapping[str, Sequence[Row]]) -> None:
    """Print every goal of all questions, reached or not, and what could not be measured."""
    table = Table(title="goals", title_justify="left")
    for heading in ("question", "figure", "goal", "measured", "reached"):
        table.add_column(heading)
    for question, rows in answered.items():
        for row in rows:
            if isinstance(row, Missing):
                table.add_row(question, row.name, "", "not measured", row.why)
            elif row.reached is not None:
                measured = f"{shown(row.median)} {row.unit}"
                reached = "yes" if row.reached else "NO"
                table.add_row(question, row.name, goal_of(row), measured, reached)
    _console().print(table)


def content(question: str, rows: Sequence[Row]) -> dict[str, object]:
    """A question's answer and the machine that gave it, for JSON."""
    return {
        "question": question,
        "machine": machine(),
        "quick": QUICK,
        "figures": [
            asdict(row) | {"reached": row.reached} for row in rows if isinstance(row, Figure)
        ],
        "missing": [asdict(row) for row in rows if isinstance(row, Missing)],
    }


def machine() -> dict[str, object]:
    """What the figures depend on."""
    info = Path("/proc/cpuinfo").read_text().splitlines() if LINUX else []
    models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(CORES),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _bar(figure: Figure) -> Bar:
    return Bar(figure.name, figure.unit, figure.median, figure.least, figure.most, figure.goal)


def _console() -> Console:
    console = Console()
    # Into a file as wide as it needs; a terminal folds what does not fit.
    return console if console.is_terminal else Console(width=WIDTH)
