"""Alerts that flap over HTTP while everything is killed, and what must have been told of them.

Law: nothing here is shared with what it judges. What counts is what the store has committed and
what the receiver has written down: every transition that is to be told was told, under an id that
means it alone, in the order of its episode; and nothing was told that was not committed.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Final

import numpy as np
import trio

from engine.position import START, Position
from engine.transition import Transition, unpack_transition
from storage.opening import open_for_reading
from tests.crash.hook import Got, Hook
from tests.crash.http import Client, Unanswered
from tests.crash.ledger import Sent
from tests.crash.load import Shape, Source
from tests.crash.torment import Torment, stat_name

CHANNELS: Final = 4
"""Channels of an account; its alerts take turns."""

TOO_MUCH: Final = 10.0
READY_LIMIT_S: Final = 30.0
QUIET_LIMIT_S: Final = 240.0
LOOK_EVERY_S: Final = 0.5
OF_A_CHANNEL: Final = "channel"
"""The kind of a notice that tells of a receiver that stays dead: no alert committed it."""

SETTLED_S: Final = 4.0
"""After so long the last points have left every window."""


def flips(shape: Shape, share: float) -> Source:
    """Single points, now; so many of them take an alert to its other side."""

    def make(random: Random, now_ms: int) -> tuple[int, Sent]:
        stat = random.randrange(shape.stats)
        high = random.random() < share
        value = 2 * TOO_MUCH if high else 1.0
        columns = np.array([stat]), np.array([now_ms]), np.array([value])
        return shape.account_of(stat), Sent(f"{random.getrandbits(96):024x}", *columns)

    return make


async def put_alerts(run: Torment, hook: Hook) -> None:
    """An alert for each stat: values heal with the next point, counters when time passes."""
    for account in range(run.shape.accounts):
        client, channels = run.client(account), []
        for number in range(CHANNELS):
            url = f"http://127.0.0.1:{hook.port}/{account}/{number}"
            said = await _made(
                client, "/v1/channels", type="webhook", name=f"hook {number}", url=url
            )
            channels.append(said["id"])
        for stat in range(account, run.shape.stats, run.shape.accounts):
            window = (
                {"window": "2s", "aggregate": "sum"}
                if run.shape.kind_of(stat) == "counter"
                else {"window": "1h", "aggregate": "last"}
            )
            await _point(run, client, stat)
            await _made(
                client, "/v1/alerts", name=f"alert {stat}", kind="threshold", op=">",
                threshold=TOO_MUCH, stat=stat_name(stat), flap_changes=100, flap_within="1m",
                channels=[channels[stat // run.shape.accounts % CHANNELS]], **window,
            )  # fmt: skip


async def _point(run: Torment, client: Client, stat: int) -> None:
    body = {"stat": stat_name(stat), "type": run.shape.kind_of(stat), "value": 1}
    await _made(client, "/v1/ingest", **body)


async def _made(client: Client, path: str, **body: object) -> dict[str, str]:
    """The answer to a request that must succeed, once the server has started."""
    with trio.fail_after(READY_LIMIT_S):
        while (answer := await client.ask("POST", path, body)).status == 503:  # noqa: ASYNC110
            await trio.sleep(LOOK_EVERY_S)
    assert answer.status in (201, 202), answer.body
    said: dict[str, str] = answer.json()
    return said


async def all_told(run: Torment) -> None:
    """Wait until nothing waits to be told; whoever waits longest is hurried, as a person would."""
    await trio.sleep(SETTLED_S)
    clients = [run.client(account) for account in range(run.shape.accounts)]
    with trio.fail_after(QUIET_LIMIT_S):
        while await _waiting(run, clients):  # noqa: ASYNC110
            await trio.sleep(LOOK_EVERY_S)


async def _waiting(run: Torment, clients: list[Client]) -> bool:
    waiting = False
    for client in clients:
        try:
            said = (await client.ask("GET", "/v1/deliveries?state=pending&limit=100")).json()
            for one in said["deliveries"]:
                waiting = True
                await client.ask("POST", f"/v1/deliveries/{one['id']}/retry")
        except Unanswered:
            return True
    async with open_for_reading(run.url) as store:
        for partition in range(store.partitions):
            waiting = waiting or bool(await store.outbox(partition, START, 1))
    return waiting


async def committed(run: Torment) -> list[Transition]:
    """Every transition that the store has, oldest first in each partition."""
    found: list[Transition] = []
    async with open_for_reading(run.url) as store:
        for partition in range(store.partitions):
            before: Position | None = None
            part: list[tuple[Position, bytes]] = []
            while page := await store.transitions(partition, before, 1_000):
                part += page
                before = page[-1][0]
            found += [unpack_transition(record) for _, record in reversed(part)]
    return found


@dataclass(slots=True)
class Account:
    """What is wrong, in words, and how much there was."""

    transitions: int = 0
    told: int = 0
    again: int = 0
    alerts: int = 0
    wrong: list[str] = field(default_factory=list)


def held_against(made: list[Transition], got: list[Got]) -> Account:
    """What the receiver wrote down, held against what was committed."""
    account = Account(len(made), alerts=len({(one.rule, one.stat) for one in made}))
    account.wrong += _broken_records(made)
    meant = {(one.episode, one.seq) for one in made if one.tells is not None}
    account.told = len(meant)
    first: dict[tuple[str, int], int] = {}
    meaning: dict[str, tuple[str, int]] = {}
    for place, one in enumerate(got):
        if [notice["alert"]["kind"] for notice in one.body["alerts"]] == [OF_A_CHANNEL]:
            continue
        told = [(notice["episode"], notice["seq"]) for notice in one.body["alerts"]]
        if one.body["more"]:
            account.wrong.append(f"{one.id} leaves {one.body['more']} out")
        if meaning.setdefault(one.id, told[-1]) != told[-1]:
            account.wrong.append(f"{one.id} means {told[-1]}, and meant {meaning[one.id]}")
        for pair in told:
            account.again += pair in first
            first.setdefault(pair, place)
    account.wrong += [f"{pair} was told and never committed" for pair in first.keys() - meant]
    account.wrong += [f"{pair} was committed and never told" for pair in meant - first.keys()]
    ids = {pair: message_id for message_id, pair in meaning.items()}
    if len(ids) != len(meaning):
        account.wrong.append("a transition was told under two ids")
    account.wrong += _turned_round(first)
    return account


def _broken_records(made: list[Transition]) -> list[str]:
    """Records of an alert are numbered without a gap, and each begins where the last ended."""
    wrong = []
    last: dict[tuple[str, int], Transition] = {}
    for one in made:
        before = last.get((one.rule, one.stat))
        if before is not None and (one.seq, one.source) != (before.seq + 1, before.target):
            wrong.append(f"{one} follows {before}")
        last[one.rule, one.stat] = one
    return wrong


def _turned_round(first: dict[tuple[str, int], int]) -> list[str]:
    """Episodes of which something later was told before something earlier."""
    of_episode: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for (episode, seq), place in first.items():
        of_episode[episode].append((place, seq))
    wrong = []
    for episode, told in of_episode.items():
        seqs = [seq for _, seq in sorted(told)]
        if seqs != sorted(seqs):
            wrong.append(f"{episode} was told as {seqs}")
    return wrong
