"""The end of a program: what it counted last is sent, and no dead server holds it up for long."""

import os
import subprocess
import sys

import pytest

from statflow_client.sender import EXIT_S
from tests.clients.fake_server import fake_server
from tests.clients.lines import answer
from tests.source_tree import ROOT

pytestmark = pytest.mark.real

LIMIT_S = 20.0


def run(code: str, url: str) -> subprocess.CompletedProcess[str]:
    """A program of its own with the client configured by its environment."""
    given = {"STATFLOW_URL": url, "STATFLOW_KEY": "sf_key"}
    path = {"PYTHONPATH": str(ROOT / "clients" / "python")}
    return subprocess.run(
        [sys.executable, "-c", f"import statflow_client as statflow\n{code}"],
        env={**os.environ, **given, **path},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_what_was_counted_last_is_sent() -> None:
    with fake_server() as fake:
        done = run("statflow.counter('a'); statflow.value('b', 2)", fake.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert [posted.stats for posted in fake.posted] == [["a", "b"]]


def test_what_an_exit_handler_counts_is_sent_too() -> None:
    code = "import atexit; atexit.register(statflow.counter, 'at_exit')"
    with fake_server() as fake:
        done = run(code, fake.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert [posted.stats for posted in fake.posted] == [["at_exit"]]


def test_an_exception_ends_a_program_as_usual() -> None:
    with fake_server() as fake:
        done = run("statflow.counter('a'); raise SystemExit(3)", fake.url)
    assert done.returncode == 3
    assert len(fake.posted) == 1


def test_a_server_that_is_busy_holds_a_program_up_for_seconds_only() -> None:
    with fake_server(answer(503, retry_after="600")) as fake:
        done = run("statflow.counter('a')", fake.url)
    assert done.returncode == 0
    assert done.stderr == (
        "1 point not stored, lost: there was no time left to send them (closed)\n"
    )
    assert LIMIT_S > 2 * EXIT_S
