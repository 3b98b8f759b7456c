"""What a question answers with: figures, their goals, and the table they are printed in."""

import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number: the median, its spread (least and most), and the goal, if any.

    `goal` is the value to stay below (`at_most`) or to reach.
    """

    name: str
    median: float
    least: float
    most: float
    unit: str
    goal: float | None = None
    at_most: bool = True

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the goal; None without one."""
        if self.goal is None:
            return None
        return self.median <= self.goal if self.at_most else self.median >= self.goal


def once(
    name: str, value: float, unit: str, goal: float | None = None, *, at_most: bool = True
) -> Figure:
    """A figure that was measured once: a size, a count, or a share over a long run."""
    return Figure(name, value, value, value, unit, goal, at_most)


def of_samples(name: str, samples: Sequence[float], unit: str, goal: float | None = None) -> Figure:
    """The median of samples, with the least and the most of them."""
    return Figure(name, statistics.median(samples), min(samples), max(samples), unit, goal)


def timed(step: Callable[[], object]) -> float:
    """Seconds that a step takes."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def show(question: str, figures: Sequence[Figure]) -> None:
    """Print a table and keep it as JSON beside the others."""
    table = Table(title=question, title_justify="left")
    for heading in ("figure", "median", "least … most", "goal", ""):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for one in figures:
        spread = "" if one.least == one.most else f"{one.least:,.4g} … {one.most:,.4g}"
        goal = "" if one.goal is None else f"{'≤' if one.at_most else '≥'} {one.goal:,.4g}"
        told = {None: "", True: "reached", False: "NOT REACHED"}[one.reached]
        table.add_row(one.name, f"{one.median:,.4g} {one.unit}", spread, goal, told)
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    content = {
        "question": question,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "figures": [asdict(one) | {"reached": one.reached} for one in figures],
    }
    (RESULTS / f"{question}.json").write_text(json.dumps(content, indent=1) + "\n")
