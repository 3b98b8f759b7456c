"""The list of questions, and one of them asked for real, in tiny."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from bench.__main__ import ORDER, QUESTIONS, main
from bench.peers.peer import Peer, Way
from bench.peers.statflow import STATFLOW
from bench.report import RESULTS, Missing
from bench.throughput import rows
from bench.words import statflow_batch
from tests.source_tree import ROOT


def test_every_question_has_its_place() -> None:
    assert QUESTIONS == ORDER


def test_an_unknown_question_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["storage", "weather"]) == 2
    assert capsys.readouterr().out.startswith("no such question: weather; there are batches")


def test_a_peer_that_is_not_installed_is_a_row_that_says_so() -> None:
    absent = Peer("Absent", "no-such-program-anywhere", "absent-package", STATFLOW.start)
    assert STATFLOW.installed
    assert not absent.installed
    (row,) = rows([Way("Absent", absent, statflow_batch, "never")], {})
    assert row == Missing("Absent", "not installed: absent-package")


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_single_points_are_measured_and_kept() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "singles"],
        cwd=ROOT,
        env={**os.environ, "BENCH_QUICK": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    kept = json.loads((RESULTS / "singles.json").read_text())
    figures = {figure["name"]: figure for figure in kept["figures"]}
    assert kept["quick"] is True
    assert figures["StatFlow"]["median"] > 0
    assert figures["StatFlow"]["split"]["median"] > 0
    assert "durable" in figures["StatFlow"]["note"]
    assert "were refused" not in figures["StatFlow"]["note"]
    assert (RESULTS / "singles.svg").read_text().startswith("<svg")
