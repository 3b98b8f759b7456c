"""The list of questions, and one of them asked for real, in tiny."""

import shutil

import pytest

from bench.__main__ import ORDER, QUESTIONS, main
from bench.peers.peer import Peer, Way
from bench.peers.statflow import STATFLOW
from bench.questions.singles import WAYS
from bench.report import Figure, Missing
from bench.throughput import Plan, compare, rows
from bench.words import singles, statflow_batch


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
def test_single_points_are_measured_on_a_server_of_their_own() -> None:
    ways = [way for way in WAYS if way.peer is STATFLOW]
    plan = Plan(singles()[:100], connections=4, runs=1, warm_s=1.0, run_s=1.0)
    found = compare(ways, plan)
    for way, row in zip(ways, rows(ways, found), strict=True):
        assert isinstance(row, Figure), way
        assert row.median > 0
        assert (row.split is not None) == (way.split is not None)
        assert "durable" in row.note
        assert "refused" not in row.note
