"""`send`: everything is stored or named, lines travel in batches, slow pipes are live."""

import os
from collections.abc import Generator

import httpx
import msgspec
import pytest
from trio.testing import MockClock

from api.cli.client import open_client
from api.cli.points import ITEMS_MAX, Writing
from api.cli.send import LINE_BYTES_MAX, SHOWN_MAX, Lines, Tally, send_lines
from api.query.times import parse_zone
from tests.api.cli.transport import TARGET, Script, app_target, app_transport
from tests.api.http.harness import NOW_S, serving

WRITING = Writing(None, parse_zone("UTC"))


@pytest.fixture
def pipe() -> Generator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def answer(accepted: int) -> httpx.Response:
    return httpx.Response(202, json={"accepted": accepted, "duplicates": 0, "rejected": []})


async def test_lines_are_stored_and_bad_ones_named(
    pipe: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    source, sink = pipe
    lines = [
        f"page.views 2 {NOW_S}", f'{{"stat":"latency","type":"value","value":4.5,"t":{NOW_S}}}',
        "", "# nothing", 'bad" x', f"latency 3 {NOW_S}", f"page.views 1e200 {NOW_S}",
        f"page.views 1 {NOW_S}",
    ]  # fmt: skip
    os.write(sink, "\n".join(lines).encode())
    os.close(sink)
    async with (
        serving() as server,
        open_client(app_target(server), app_transport(server)) as client,
    ):
        tally = Tally(client)
        await send_lines(client, tally, WRITING, source)
        assert await server.stored() == {"page.views": (2, 3.0), "latency": (2, 7.5)}
    assert (tally.accepted, tally.refused) == (4, 2)
    said = capsys.readouterr().err
    assert "line 5: x is not a number" in said
    assert "line 7: value" in said
    tally.report(quiet=True)
    assert capsys.readouterr().err == "4 stored, 2 refused\n"


async def test_a_batch_is_as_long_as_may_be(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    os.write(sink, b"x\n" * (2 * ITEMS_MAX + 5))
    os.close(sink)
    script = Script(*[answer(1)] * 3)
    async with open_client(TARGET, script) as client:
        await send_lines(client, Tally(client), WRITING, source)
    sizes = [len(msgspec.json.decode(request.content)["items"]) for request in script.requests]
    assert sizes == [ITEMS_MAX, ITEMS_MAX, 5]


async def test_a_slow_pipe_is_live(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    os.write(sink, b"x 1\n")
    got: list[bytes] = []

    class Ending(Script):
        """Lets the pipe go on only after the first batch has arrived."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            got.append(await request.aread())
            if len(got) == 1:
                os.write(sink, b"x 2\n")
                os.close(sink)
            return answer(1)

    async with open_client(TARGET, Ending()) as client:
        await send_lines(client, Tally(client), WRITING, source)
    assert [msgspec.json.decode(body)["items"][0]["value"] for body in got] == [1, 2]


def test_lines_are_put_together_and_numbered() -> None:
    lines = Lines()
    assert lines.feed(b"a\nb") == [(1, "a")]
    assert lines.feed(b"c\n\n") == [(2, "bc"), (3, "")]
    assert lines.feed(b"d") == []
    assert lines.feed(b"") == [(4, "d")]
    assert lines.feed(b"") == []


def test_a_line_without_end_does_not_grow() -> None:
    lines = Lines()
    ((number, text),) = lines.feed(b"x" * (LINE_BYTES_MAX + 1))
    assert (number, len(text)) == (1, LINE_BYTES_MAX)


async def test_only_the_first_refusals_are_named(
    autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_client(TARGET, Script()) as client:
        tally = Tally(client)
        for number in range(SHOWN_MAX + 50):
            tally.refuse(f"line {number}")
        assert len(capsys.readouterr().err.splitlines()) == SHOWN_MAX
        tally.report(quiet=False)
    assert capsys.readouterr().err == f"0 stored, {SHOWN_MAX + 50} refused\n"
