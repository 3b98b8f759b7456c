"""What the page of the client library shows runs as shown, against a real server."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from statflow_client import outbox, sender
from statflow_client.batches import BATCH_BYTES_MAX, BATCH_POINTS_MAX
from statflow_client.line import ANSWER_S
from tests.api.cli.running import Running, running
from tests.source_tree import ROOT

FOLDER = ROOT / "clients" / "python"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

LIMIT_S = 20.0

ARRIVED = [
    {"page.views": 1.0, "orders": 3.0, "page.load_ms": 84.5},
    {"report.seconds": None, "import.seconds": None},
    {"jobs.done": 1.0},
    {"jobs.done": 1.0},
]
"""What each example stores, and how much of it; None is a matter of time."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with running(Path(tmp_path_factory.mktemp("client"))) as live:
        yield live


@pytest.mark.real
@pytest.mark.parametrize(
    ("code", "arrived"), list(zip(SHOWN, ARRIVED, strict=True)), ids=range(len(SHOWN))
)
def test_what_the_page_shows_runs(
    live: Running, code: str, arrived: dict[str, float | None]
) -> None:
    since = int(time.time())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **live.environ, "PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for stat, total in arrived.items():
        began = 1_699_999_200 if "at=" in code else since // 10 * 10
        words = ("--from", str(began), "--resolution", "1d" if "at=" in code else "10s")
        told = live.statflow("query", stat, *words, "--agg", "sum", "--csv")
        cells = [row.rpartition(",")[2] for row in told.out.splitlines()[1:]]
        rows = [float(cell) for cell in cells if cell]
        assert rows, told.err
        assert total is None or max(rows) >= total


def test_the_limits_of_the_page_are_those_of_the_library() -> None:
    for text in (
        f"| waiting points | {outbox.QUEUE_POINTS_MAX:,} (",
        f"| a point waits for others | {outbox.LINGER_S:g} s (",
        f"| a batch | {BATCH_POINTS_MAX} points, {BATCH_BYTES_MAX // 1024} KiB |",
        f"| connecting, an answer | {ANSWER_S:g} s |",
        f"pauses of {outbox.PAUSE_S:g} s to {outbox.PAUSE_S_MAX:g} s",
        f"after {outbox.AGE_S_MAX / 60:g} minutes",
        f"| `flush()` | {sender.FLUSH_S:g} s |",
        f"| the end of the program | {sender.EXIT_S:g} s |",
    ):
        assert text in PAGE, text
