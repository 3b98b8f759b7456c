"""The demo: prints what to paste, tells its history once, and goes on after a restart."""

import json
import socket
from pathlib import Path

import pytest
from trio.testing import MockClock

from api.cli.client import open_client
from api.cli.demo import DIARY, demo_settings, diary_of, greeting
from api.cli.shop import DAY_S
from api.cli.traffic import Diary
from api.settings import Settings
from storage.catalog import OWNER
from tests.api.cli.running import Running, running
from tests.api.cli.transport import app_target, app_transport
from tests.api.http.harness import serving


async def test_the_diary_is_kept_while_it_fits(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with (
        serving() as server,
        open_client(app_target(server), app_transport(server)) as client,
    ):
        context = server.context
        first = await diary_of(context, tmp_path, 1, days=1)
        assert first.state.began - first.state.filled_to == DAY_S
        assert await context.keyring.identify(first.state.key) is not None

        assert (await diary_of(context, tmp_path, 2)).state == first.state

        await client.send([{"stat": "page.views"}])
        first.state.filled_to += DAY_S + 5
        first.write()
        assert (await diary_of(context, tmp_path, 1)).state == first.state

        # The key was revoked: another one, and all else as it was.
        identity = await context.keyring.identify(first.state.key)
        assert identity is not None
        await context.keyring.revoke(OWNER, identity.key_id)
        again = await diary_of(context, tmp_path, 1)
        assert again.state.key != first.state.key
        assert again.state.filled_to == first.state.filled_to

        # The notes were lost, but the past is in the store.
        (tmp_path / DIARY).unlink()
        later = await diary_of(context, tmp_path, 1)
        assert later.state.filled_to >= later.state.began


async def test_a_store_that_was_emptied_is_filled_anew(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with serving() as server:
        first = await diary_of(server.context, tmp_path, 1)
        first.state.filled_to = first.state.began + 60
        first.write()
        assert (await diary_of(server.context, tmp_path, 1)).state.filled_to < first.state.began


def test_it_keeps_to_a_directory_of_its_own_and_a_port_that_is_free() -> None:
    usual = Settings(data="here/data/", redis_url="redis://127.0.0.1:1", bind="127.0.0.1:0")
    ours = demo_settings(usual, None, None)
    assert (ours.data, ours.redis_url) == ("here/data-demo", None)
    given = demo_settings(usual, "127.0.0.1:81", "there")
    assert (given.bind, given.data) == ("127.0.0.1:81", "there")
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = Settings(bind=f"127.0.0.1:{somebody.getsockname()[1]}")
        assert demo_settings(taken, None, None).bind == "127.0.0.1:0"


def test_the_greeting_can_be_pasted() -> None:
    text = greeting("http://127.0.0.1:81", "sf_1")
    assert "STATFLOW_URL=http://127.0.0.1:81 STATFLOW_KEY=sf_1 \\\n  statflow tail " in text
    assert 'curl -H "Authorization: Bearer sf_1" \\\n  "http://127.0.0.1:81/v1/' in text


def views(server: Running) -> int:
    words = ("query", "page.views", "--agg", "sum", "--last", "2d", "--resolution", "1h", "--json")
    done = server.statflow(*words)
    assert done.code == 0, done.err
    (series,) = json.loads(done.out)["series"]
    return int(series["summary"]["sum"])


@pytest.mark.real
def test_a_restart_goes_on_and_tells_nothing_twice(tmp_path: Path) -> None:
    data, told = tmp_path / "demo", "points of history"
    with running(data, "demo", "--days", "1", last="statflow tail") as server:
        assert server.process.stdout is not None
        assert any(told in line for line in server.process.stdout)
        before = views(server)
        server.process.kill()
    with running(data, "demo", "--days", "1", last="statflow tail") as server:
        assert server.process.stdout is not None
        assert any(told in line for line in server.process.stdout)
        after = views(server)
        assert server.statflow("audit", "--data", str(data)).out.startswith("equal: ")
        assert server.stop() == 0
    diary = Diary.read(data / DIARY)
    assert diary is not None
    assert diary.state.filled_to > diary.state.began
    assert before > 50_000
    assert before <= after < before * 1.01
