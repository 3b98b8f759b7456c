"""`tail`: what is told is shown once, and a broken connection is taken up where it ended."""

import io
import json

import httpx
import pytest
import trio
from rich.console import Console
from trio.testing import MockClock

from api.cli.board import Board, Bucket, Told
from api.cli.client import Refused, StatInfo, Unreached, open_client
from api.cli.tail import Enough, Follower, Printer, drawn
from tests.api.cli.transport import TARGET, Script, Step, refused, streamed

VIEWS = StatInfo("st_1", "page.views", "counter")
DEPTH = StatInfo("st_2", "queue.depth", "value", "jobs")
BROKEN = httpx.ReadError("reset")


def event(name: str, at_s: int, value: float, cursor: str | None = None) -> bytes:
    data = {"stat": "st_1", "resolution": "1s", "points": [{"t": at_s, "value": value}]}
    head = f"event: {name}\n" + (f"id: {cursor}\n" if cursor else "")
    return f"{head}data: {json.dumps(data)}\n\n".encode()


BYE = b'event: bye\nretry: 250\ndata: {"reason":"the server stops"}\n\n'


async def follow(*steps: Step) -> tuple[Script, list[tuple[int, float]]]:
    """Follow a script until it refuses for good."""
    script = Script(*steps, refused(401, "invalid_key"))
    heard: list[tuple[int, float]] = []

    def tell(stat: StatInfo, bucket: Bucket) -> None:
        assert stat == VIEWS
        heard.append((bucket.t, bucket.value))

    async with open_client(TARGET, script) as client:
        with pytest.raises(Refused):
            await Follower(client, Board([VIEWS], "1s"), tell).run()
    return script, heard


async def test_changes_are_told_and_the_snapshot_is_not(autojump_clock: MockClock) -> None:
    script, heard = await follow(
        streamed(
            b"retry: 100\n: welcome\n\n", event("snapshot", 5, 1),
            event("change", 6, 1)[:20], event("change", 6, 1)[20:], event("revise", 5, 3),
            event("change", 6, 1), BYE,
        )
    )  # fmt: skip
    assert heard == [(6, 1), (5, 3)]
    assert script.requests[0].url.params["stats"] == "st_1"
    assert "last-event-id" not in script.requests[0].headers


async def test_it_comes_back_with_the_cursor(autojump_clock: MockClock) -> None:
    script, heard = await follow(
        streamed(event("snapshot", 5, 1, "p0:1-0"), event("change", 6, 2, "p0:2-0"), BROKEN),
        BROKEN,
        refused(503, "not_ready"),
        streamed(event("change", 6, 2), event("change", 7, 4, "p0:3-0"), BYE),
        streamed(event("change", 8, 5)),
    )
    assert heard == [(6, 2), (7, 4), (8, 5)]
    seen = [request.headers.get("last-event-id") for request in script.requests]
    assert seen == [None, "p0:2-0", "p0:2-0", "p0:2-0", "p0:3-0", "p0:3-0"]


async def test_it_waits_as_long_as_the_server_says(autojump_clock: MockClock) -> None:
    await follow(streamed(BYE))
    assert trio.current_time() == pytest.approx(0.25)


async def test_a_server_that_was_never_there_ends_it(autojump_clock: MockClock) -> None:
    async with open_client(TARGET, Script(httpx.ConnectError("refused"))) as client:
        with pytest.raises(Unreached, match="statflow serve"):
            await Follower(client, Board([VIEWS], "1s")).run()


def test_lines_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(None, as_json=False).tell(VIEWS, Bucket(1_795_302_000, 3.0))
    Printer(None, as_json=True).tell(VIEWS, Bucket(1_795_302_000, 3.5))
    plain, coded = capsys.readouterr().out.splitlines()
    assert plain == "2026-11-21T23:00:00Z page.views 3"
    assert json.loads(coded) == {
        "t": 1_795_302_000, "stat": "page.views", "id": "st_1", "value": 3.5,
    }  # fmt: skip


def test_enough_is_enough() -> None:
    printer = Printer(2, as_json=False)
    printer.tell(VIEWS, Bucket(1, 1))
    with pytest.raises(Enough):
        printer.tell(VIEWS, Bucket(2, 1))


@pytest.mark.parametrize("width", [60, 100])
def test_the_table_fits_and_shows_chart_and_newest(width: int) -> None:
    board = Board([VIEWS, DEPTH], "1s")
    board.hear(Told("st_1", "1s", [Bucket(at_s, at_s) for at_s in range(100, 110)]))
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(drawn(board, 110.5, width, "live"))
    lines = console.export_text().splitlines()
    assert "live, a bucket is 1s" in lines[0]
    views = next(line for line in lines if line.startswith("page.views"))
    assert "█" in views
    assert "109" in views
    assert next(line for line in lines if line.startswith("queue.depth [jobs]")).count("–") == 2
    assert max(map(len, lines)) <= width
