"""What clients are told over HTTP while the store server hangs: 503 in time, and when to return."""

import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from storage.server import ServerSettings
from tests.crash.accounts import found_accounts
from tests.crash.http import Answer, Client
from tests.crash.processes import App, StoreServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the server's process as Linux does"),
]

HANGS_S = 7.0
ANSWER_S_MAX = 10.0
RECOVERY_LIMIT_S = 30.0
READY_LIMIT_S = 60.0
KINDS = {"store_unavailable", "outcome_unknown", "overloaded"}

POINT = {"stat": "known", "type": "counter"}
NEEDS_THE_STORE = [
    ("POST", "/v1/ingest", POINT),
    ("POST", "/v1/ingest", {"stat": "new", "type": "counter"}),
    ("POST", "/v1/ingest/batch", {"items": [POINT, POINT]}),
    ("GET", "/v1/stats", None),
    ("GET", "/v1/stats/{stat}/data?from=-1h", None),
    ("GET", "/v1/query?match=*&from=-1h", None),
    ("GET", "/v1/stats/{stat}/export?format=csv", None),
    ("GET", "/v1/auth/api-keys", None),
    ("POST", "/v1/auth/api-keys", {"name": "ci", "scopes": ["read"]}),
]

Report = Callable[[str, object], None]


async def test_answers_while_the_store_hangs(tmp_path: Path, record_property: Report) -> None:
    (key,) = await found_accounts(ServerSettings(tmp_path / "data"), 1)
    app, server = App(tmp_path / "data"), StoreServer(tmp_path / "data")
    answers: list[tuple[str, Answer, float]] = []
    try:
        await app.start()
        port = await app.wait_serving()
        stat = await taken(port, key, READY_LIMIT_S)
        server.send(signal.SIGSTOP)
        async with trio.open_nursery() as nursery:
            for method, target, body in NEEDS_THE_STORE:
                where = target.replace("{stat}", stat)
                nursery.start_soon(keep_asking, port, key, method, where, body, answers)
            nursery.start_soon(keep_asking, port, key, "GET", "/healthz", None, answers)
            nursery.cancel_scope.deadline = trio.current_time() + HANGS_S
        server.send(signal.SIGCONT)
        went_on = trio.current_time()
        await taken(port, key, RECOVERY_LIMIT_S)
        recovery_s = trio.current_time() - went_on
    finally:
        with trio.move_on_after(READY_LIMIT_S, shield=True):
            await app.kill()
            await server.kill()
    check(answers)
    slowest_s = max(took_s for _, _, took_s in answers)
    record_property(
        "report",
        f"store hangs, over HTTP: {len(answers)} answers, the slowest after {slowest_s:.2f} s;"
        f" a point taken {recovery_s:.2f} s after it went on",
    )


def check(answers: list[tuple[str, Answer, float]]) -> None:
    """Each in time; either it could do without the store, or it says when to try again."""
    assert {what for what, _, _ in answers} >= {f"{m} {t}" for m, t, _ in NEEDS_THE_STORE[:4]}
    for what, answer, took_s in answers:
        assert took_s < ANSWER_S_MAX, (what, took_s, answer)
        if what == "GET /healthz" or (what.startswith("GET") and answer.status == 200):
            assert answer.status == 200
        else:
            assert (answer.status, answer.json().get("code") in KINDS) == (503, True), (
                what,
                answer,
            )
            assert int(answer.headers["retry-after"]) >= 1


async def keep_asking(
    port: int,
    key: str,
    method: str,
    target: str,
    body: object,
    answers: list[tuple[str, Answer, float]],
) -> None:
    """Ask the same again and again; notes each answer and how long it took."""
    with closing(Client(port, key)) as client:
        while True:
            began = trio.current_time()
            answer = await client.ask(method, target, body)
            answers.append((f"{method} {target}", answer, trio.current_time() - began))
            await trio.sleep(0.1)


async def taken(port: int, key: str, limit_s: float) -> str:
    """Send a point until it is taken; returns the id of its stat."""
    with trio.fail_after(limit_s), closing(Client(port, key)) as client:
        while (answer := await client.ask("POST", "/v1/ingest", POINT)).status != 202:
            assert answer.status == 503, answer
            await trio.sleep(0.05)
    return str(answer.json()["stat_id"])
