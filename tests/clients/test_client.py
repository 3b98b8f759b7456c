"""The client for threads: calls neither wait nor raise, and what they queue is sent or told."""

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable

import pytest

from statflow_client import Client, Statistics, Trouble
from statflow_client.outbox import QUEUE_POINTS_MAX
from statflow_client.program import Program
from statflow_client.troubles import QUIET_S, Reporter
from tests.clients.fake_server import FakeServer, fake_server
from tests.clients.lines import BUSY, ScriptedLine, answer

PATIENCE_S = 10.0


def client_of(
    line: ScriptedLine, told: list[Trouble] | None = None, points_max: int = QUEUE_POINTS_MAX
) -> Client:
    """A client over that line, whose troubles go into the list."""
    tell = (told if told is not None else []).append
    return Client(line=line, on_trouble=tell, queue_points_max=points_max)


def test_points_travel_together_and_in_order() -> None:
    line = ScriptedLine()
    with client_of(line) as client:
        assert client.counter("a")
        assert client.counter("b", 2.5, at=12)
        assert client.value("c", -1)
        assert client.flush(PATIENCE_S)
        assert client.statistics() == Statistics(taken=3, stored=3)
    (posted,) = line.posted
    assert [(item["stat"], item["value"], item["type"]) for item in posted.items] == [
        ("a", 1, "counter"), ("b", 2.5, "counter"), ("c", -1, "value"),
    ]  # fmt: skip
    assert posted.items[1]["timestamp"] == 12_000


def test_a_full_batch_leaves_without_being_asked() -> None:
    line = ScriptedLine()
    with client_of(line) as client:
        for _ in range(1000):
            client.counter("a")
        assert line.arrived.acquire(timeout=PATIENCE_S)
        assert len(line.posted[0].items) == 1000


def test_an_unanswered_batch_is_sent_again_under_its_key() -> None:
    line = ScriptedLine([BUSY, BUSY])
    with client_of(line) as client:
        client.counter("a")
        assert client.flush(PATIENCE_S)
        assert client.statistics() == Statistics(taken=1, stored=1, sent_again=2)
    assert len({posted.key for posted in line.posted}) == 1
    assert len(line.posted) == 3


def test_calls_never_wait_for_a_server_and_a_full_queue_is_told() -> None:
    line, told = ScriptedLine(), list[Trouble]()
    line.gate.clear()
    with client_of(line, told, points_max=3) as client:
        assert [client.counter(f"s{n}") for n in range(5)] == [True, True, True, False, False]
        assert [trouble.code for trouble in told] == ["queue_full"] * 2
        assert not client.flush(0)
        line.gate.set()
        assert client.flush(PATIENCE_S)
        assert client.counter("again")


def test_what_can_be_no_point_is_told_and_raises_nothing() -> None:
    line, told = ScriptedLine(), list[Trouble]()
    with client_of(line, told) as client:
        assert not client.counter("")
        assert not client.value("a", float("inf"))
        assert not client.value(None, "x")  # type: ignore[arg-type]
    assert [trouble.code for trouble in told] == [
        "stat_name_length", "value_out_of_range", "stat_name_length",
    ]  # fmt: skip
    assert line.posted == []


def test_refused_points_are_told_by_name() -> None:
    bad = {"index": 1, "code": "stat_type_conflict", "message": "It is a value"}
    line, told = ScriptedLine([answer(202, {"rejected": [bad]})]), list[Trouble]()
    with client_of(line, told) as client:
        client.counter("a")
        client.counter("b")
        assert client.flush(PATIENCE_S)
    assert told == [Trouble("refused", 1, "stat_type_conflict", "It is a value", "b")]


def test_closing_gives_up_what_cannot_be_sent_in_time() -> None:
    line, told = ScriptedLine([answer(503, retry_after="60")]), list[Trouble]()
    client = client_of(line, told)
    client.counter("a")
    assert line.arrived.acquire(timeout=PATIENCE_S)
    client.close(timeout_s=0.05)
    assert not client.counter("late")
    assert [(one.what, one.code) for one in told] == [("lost", "closed"), ("full", "closed")]
    client.close()


def test_whoever_is_told_may_count_and_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    line = ScriptedLine([answer(401, {"code": "invalid_key"})])

    def tell(trouble: Trouble) -> None:
        client.counter("troubles", trouble.points)
        raise RuntimeError("on purpose")

    with Client(line=line, on_trouble=tell) as client:
        client.counter("a")
        assert client.flush(PATIENCE_S)
        assert client.flush(PATIENCE_S)
    assert [posted.stats for posted in line.posted] == [["a"], ["troubles"]]
    assert "on_trouble failed" in caplog.text


def test_many_threads_lose_nothing() -> None:
    line = ScriptedLine()

    def count() -> None:
        for _ in range(500):
            assert client.counter("a")

    with client_of(line) as client:
        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.flush(PATIENCE_S)
        assert client.statistics() == Statistics(taken=4000, stored=4000)
    assert sum(len(posted.items) for posted in line.posted) == 4000


def test_times_are_measured_whatever_happens() -> None:
    line = ScriptedLine()
    with client_of(line) as client:
        with client.timer("block") as timer:
            pass

        @client.timed("named")
        def fail() -> None:
            raise KeyError

        @client.timed
        def double(number: int) -> int:
            """Doubles."""
            return 2 * number

        with pytest.raises(KeyError):
            fail()
        assert double(4) == 8
        assert double.__doc__ == "Doubles."
        assert client.flush(PATIENCE_S)
    stats = line.posted[0].stats
    assert stats[:2] == ["block", "named"]
    assert stats[2].endswith("test_times_are_measured_whatever_happens.<locals>.double")
    assert line.posted[0].items[0]["value"] == timer.seconds > 0


async def test_times_of_async_functions_are_measured_to_their_end() -> None:
    line = ScriptedLine()
    with client_of(line) as client:

        @client.timed("waits")
        async def wait(number: int) -> int:
            assert client.statistics().taken == 0
            return number

        assert await wait(3) == 3
        assert client.flush(PATIENCE_S)
    assert line.posted[0].stats == ["waits"]


def test_a_program_without_a_key_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("STATFLOW_KEY", raising=False)
    program = Program()
    assert not program.counter("a")
    assert not program.value("a", 1)
    assert program.flush()
    assert program.statistics() == Statistics()
    assert [record.getMessage() for record in caplog.records] == [
        "no points are sent: there is no API key: set STATFLOW_KEY=sf_…, with the scope write"
    ]


def test_the_log_says_the_same_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    now_s = [0.0]
    report = Reporter(lambda: now_s[0])
    for _ in range(3):
        report(Trouble("full", 2, "queue_full", "3 points wait"))
    now_s[0] = QUIET_S
    report(Trouble("full", 1, "queue_full", "3 points wait"))
    assert [record.getMessage() for record in caplog.records] == [
        "2 points not stored, full: 3 points wait (queue_full)",
        "1 point not stored, full: 3 points wait (queue_full); 4 more since the last such line",
    ]


def _in_child(client: Client) -> None:
    client.counter("child")


def _forked(client: Client) -> None:
    child = os.fork()
    if not child:
        client.counter("child")
        os._exit(0 if client.flush(PATIENCE_S) else 1)
    assert os.waitpid(child, 0)[1] == 0


def _multiprocessed(client: Client) -> None:
    process = multiprocessing.get_context("fork").Process(target=_in_child, args=(client,))
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == 0


@pytest.mark.real
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("fork", [_forked, _multiprocessed])
def test_a_child_sends_its_own_points_and_no_others(fork: Callable[[Client], None]) -> None:
    with fake_server() as fake:
        with Client(fake.url, "sf_key", linger_s=60) as client:
            client.counter("parent")
            fork(client)
            assert sent(fake) == [["child"]]
        assert sent(fake) == [["child"], ["parent"]]


def sent(fake: FakeServer) -> list[list[str]]:
    """The stats of each request."""
    return [posted.stats for posted in fake.posted]
