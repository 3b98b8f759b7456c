"""Another server is asked over real sockets, within bounds, and no more often than it likes."""

from pathlib import Path

import pytest
import trio

from api.accounts.addresses import read_network
from api.importing import pulling
from api.importing.faults import PulledFault
from api.importing.pulling import Source, fetch
from api.notify.guard import Guard
from tests.api.importing.dumps import data_json, days, statlist
from tests.api.notify.receiver import Behaviour, floods, hangs, lies, receiving, says

pytestmark = pytest.mark.real

LOOPBACK = Guard([read_network("127.0.0.0/8")])

STATS = says(200, body=statlist("a"))
NONE = says(200, body=b"[]")
DATA = says(200, body=data_json("a", days(1, 2)))
SLOW = says(200, body=b'{"Error":"Rate limit exceeded."}')


async def nothing(pulled: int, to_pull: int) -> None:
    await trio.lowlevel.checkpoint()


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


async def pulled(tmp_path: Path, *answers: Behaviour) -> tuple[list[str], list[str]]:
    """What was asked of a server with these answers, and the files that are kept of them."""
    async with receiving(*answers) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        faults = await Source(LOOPBACK, url, "tok").pull(tmp_path, ["1y1d"], nothing)
    assert faults == []
    return [one.path for one in receiver.got], names_in(tmp_path)


async def test_all_answers_are_kept_and_none_is_asked_for_twice(tmp_path: Path) -> None:
    asked, kept = await pulled(tmp_path, STATS, NONE, DATA, NONE)
    assert asked == [
        "/x/tok/statlist?offset=0", "/x/tok/statlist?offset=1", "/x/tok/data/id0?t=1y1d",
        "/x/tok/alerts",
    ]  # fmt: skip
    assert kept == [
        "alerts.json", "data-1y1d-000000.json", "statlist-000.json", "statlist-001.json",
    ]  # fmt: skip
    assert (await pulled(tmp_path, NONE))[0] == []


@pytest.mark.parametrize("slow", [SLOW, says(429), says(500)])
async def test_a_server_that_is_asked_too_often_or_stumbles_is_asked_again(
    tmp_path: Path, slow: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "PAUSE_S", 0.001)
    asked, _ = await pulled(tmp_path, STATS, NONE, slow, slow, DATA, NONE)
    assert asked.count("/x/tok/data/id0?t=1y1d") == 3


@pytest.mark.parametrize(("answer", "says"), [(floods, "reached"), (lies, "reached")])
async def test_an_answer_without_an_end_is_none(
    answer: Behaviour, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "ANSWER_BYTES", 2**18)
    async with receiving(answer) as receiver:
        with pytest.raises(PulledFault, match=says):
            await fetch(LOOPBACK, receiver.url)


async def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "ANSWER_S", 0.2)
    async with receiving(hangs) as receiver:
        with pytest.raises(PulledFault, match=r"reached|no whole answer"):
            await fetch(LOOPBACK, receiver.url)


async def test_nobody_is_asked_inside() -> None:
    async with receiving() as receiver:
        with pytest.raises(PulledFault) as refused:
            await fetch(Guard(), receiver.url)
    assert (refused.value.code, refused.value.final) == ("webhook_address", True)
    assert receiver.got == []
