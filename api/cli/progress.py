"""A progress bar on stderr for long work; nothing where nobody looks."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

Step = Callable[[float], None]


@contextmanager
def progress(text: str, total: float | None, *, in_bytes: bool = False) -> Generator[Step]:
    """Calls of what it gives move the bar on by so much; without a `total` it only turns."""
    if not sys.stderr.isatty():
        yield lambda amount: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    amount = DownloadColumn(binary_units=True) if in_bytes else TaskProgressColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=total)
        yield lambda amount: bar.advance(task, amount)
