"""What do others take from a sender: those who guess passwords, and an account that sends too much?

The first is asked of the capacity: how much of it is left while 200 log-ins a second come, all from
one address or each from another. The second is asked of latencies: some accounts send less than
their plan allows, and one beside them sends ten times what it may.
"""

import itertools
import json
import os
import tempfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import httpx
import trio

from bench import wrk
from bench.capacity import CONNECTIONS, requests
from bench.client import Connection
from bench.cores import LOAD, only_on
from bench.effort import RUNS, WARM_S, whole_or_quick
from bench.openloop import ENDING_S, Outcome, accepted, posting, refused, send
from bench.peers.peer import Serving
from bench.peers.statflow import headers
from bench.peers.statflow import serving as statflow
from bench.report import Row, of_samples, once, percentile, ratio_of

LOG_INS_S: Final = 200
LOG_IN_CONNECTIONS: Final = 32
LEFT_GOAL: Final = 0.9

QUIET: Final = 4
QUOTA_S: Final = 200
"""Requests a second that the plan allows an account."""

QUIET_S: Final = 50
NOISY_S: Final = 10 * QUOTA_S
NOISE_GOAL: Final = 1.2
NOISE_NICENESS: Final = 10
"""Whoever measures goes first on the core that both send from."""

SECONDS: Final = whole_or_quick(8, 3)
PLAN: Final = f'default_plan = "shared"\n\n[plans.shared]\nrequests_s = {QUOTA_S}\n'
PASSWORD: Final = "a sentence that nobody guesses"

FROM_ANYWHERE: Final = {"STATFLOW_TRUSTED_PROXIES": "127.0.0.0/8"}
"""Whoever asks may say who asked first: so one machine can be thousands."""


def measure() -> list[Row]:
    """Both, one after the other."""
    return [*_flooded(), *_noisy()]


def _flooded() -> list[Row]:
    alone: list[float] = []
    floods: dict[str, list[float]] = {"from one address": [], "each from another": []}
    with (
        tempfile.TemporaryDirectory() as place,
        statflow(Path(place), FROM_ANYWHERE) as serving,
        only_on(LOAD),
    ):
        _capacity(serving, WARM_S)
        for _ in range(RUNS):
            alone.append(_capacity(serving, SECONDS))
            floods["from one address"].append(trio.run(_beside, serving, _one_address))
            floods["each from another"].append(trio.run(_beside, serving, _any_address()))
    return [
        of_samples("alone", alone, "batches/s"),
        *(
            ratio_of(f"{LOG_INS_S} log-ins/s {name}: left", found, alone, LEFT_GOAL, at_most=False)
            for name, found in floods.items()
        ),
    ]


def _capacity(serving: Serving, seconds: float) -> float:
    tally = wrk.load(serving.port, requests(), seconds, CONNECTIONS, serving.headers)
    return tally.rate_s


async def _beside(serving: Serving, address: Callable[[], str]) -> float:
    """The capacity while passwords are guessed."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_guess, serving, address)
        rate_s = await trio.to_thread.run_sync(_capacity, serving, SECONDS)
        nursery.cancel_scope.cancel()
    return rate_s


async def _guess(serving: Serving, address: Callable[[], str]) -> None:
    async def step(connection: Connection, number: int) -> int:
        guess = {"email": f"somebody{number}@example.com", "password": PASSWORD}
        connection.common = f"Host: 127.0.0.1:{serving.port}\r\nX-Forwarded-For: {address()}\r\n"
        connection.common += "Content-Type: application/json\r\n"
        status, _ = await connection.ask("POST", "/v1/auth/login", json.dumps(guess).encode())
        return status

    await send(serving, LOG_INS_S, 2 * SECONDS, step, LOG_IN_CONNECTIONS)


def _one_address() -> str:
    return "203.0.113.7"


def _any_address() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"203.0.{next(numbers) // 250 % 250}.{next(numbers) % 250 + 1}"


def _noisy() -> list[Row]:
    calm: list[float] = []
    noisy: list[float] = []
    turned_away = 0
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "statflow.toml").write_text(PLAN)
        with statflow(Path(place)) as serving, only_on(LOAD):
            accounts = [_signed_up(serving, number) for number in range(QUIET + 1)]
            for _ in range(RUNS):
                calm.append(_p99_ms(accounts[:QUIET]))
                # In a process of its own: what it costs to send must not make the others late.
                with get_context("spawn").Pool(1) as elsewhere:
                    noise = elsewhere.apply_async(_noise, (accounts[QUIET],))
                    noisy.append(_p99_ms(accounts[:QUIET]))
                    turned_away += noise.get(2 * SECONDS + ENDING_S)
    return [
        of_samples("others alone: accepted after, p99", calm, "ms"),
        of_samples("others beside ten times the quota, p99", noisy, "ms"),
        ratio_of("with the noise to without", noisy, calm, NOISE_GOAL),
        once("requests of the noisy account that were refused", turned_away, "requests"),
    ]


def _signed_up(serving: Serving, number: int) -> Serving:
    """An account of its own, as its key sees the server."""
    page = f"http://127.0.0.1:{serving.port}"
    with httpx.Client(base_url=page, headers={"Origin": page}, trust_env=False) as http:
        someone = {"email": f"account{number}@example.com", "password": PASSWORD}
        entered = http.post("/v1/auth/signup", json=someone).raise_for_status().json()
        wanted = {"name": "bench", "scopes": ["write"]}
        csrf = {"X-CSRF-Token": entered["csrf"]}
        made = http.post("/v1/auth/api-keys", json=wanted, headers=csrf).raise_for_status().json()
    return Serving(serving.port, serving.pids, headers(made["key"]))


def _p99_ms(quiet: list[Serving]) -> float:
    """How long the quiet ones waited for their answers."""
    outcomes = trio.run(_together, quiet)
    took_ms = [took for outcome in outcomes for took in outcome.took_ms(accepted)]
    assert len(took_ms) == sum(outcome.due for outcome in outcomes), "a quiet account was refused"
    return percentile(took_ms, 99)


async def _together(accounts: list[Serving]) -> list[Outcome]:
    outcomes: list[Outcome] = []

    async def post(account: Serving) -> None:
        outcomes.append(await _post(account, QUIET_S, SECONDS))

    async with trio.open_nursery() as nursery:
        for account in accounts:
            nursery.start_soon(post, account)
    return outcomes


def _noise(account: Serving) -> int:
    """Send ten times what is allowed, a little longer than the others; how often it was refused."""
    os.nice(NOISE_NICENESS)
    return trio.run(_post, account, NOISY_S, SECONDS + 1).count(refused)


async def _post(account: Serving, rate_s: float, seconds: float) -> Outcome:
    body = json.dumps({"stat": "bench.stat", "value": 1}).encode()
    return await send(account, rate_s, seconds, posting([body], "/v1/ingest"), 64)
