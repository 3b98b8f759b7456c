"""Whether everything that was acknowledged comes out again: by questions, and by the audit."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import trio

from api.clock import WallClock
from engine.tiers import DAY_S, STORED, Tier
from storage.opening import open_for_reading
from tests.crash.http import Answer, Client, Unanswered
from tests.crash.ledger import NOTHING, Buckets, Difference
from tests.crash.recount import audited, check_audits
from tests.crash.torment import Torment, stat_name

AHEAD_S = 120
"""Questions end so far after now; nothing is sent for later."""

LONG_AGO_S = 2_000 * DAY_S
"""... and begin before anything was sent for, where the tier reaches so far."""

PAGE = 1_000
ASKERS = 4


class Question(NamedTuple):
    """The buckets of a stat that start in [from_s, to_s), and what they must be."""

    stat: int
    tier: Tier
    from_s: int
    to_s: int
    expected: Buckets


async def compared(run: Torment) -> Difference:
    """Ask for every bucket of every stat and stored tier, and hold it against the ledger."""
    difference = Difference()
    ids = await _ids(run)
    sent = {stat_name(stat) for batch in run.ledger.batches for stat in batch.stat.tolist()}
    for odd in sorted(ids.keys() ^ sent):
        difference.wrong += 1
        difference.said.append(f"{odd} is {'there' if odd in ids else 'missing'}")
    questions = _questions(run, WallClock().now_ms() // 1000)
    async with trio.open_nursery() as nursery:
        for _ in range(ASKERS):
            nursery.start_soon(_answer_all, run, ids, questions, difference)
    return difference


async def check(run: Torment) -> Difference:
    """Everything that was acknowledged is there once, and nothing else; the audit agrees."""
    assert run.faults == []
    assert run.ledger.unanswered == 0
    difference = await compared(run)
    assert difference.equal, difference
    assert difference.buckets > 1_000
    async with open_for_reading(run.url) as store:
        check_audits(await audited(store, WallClock().now_ms() // 1000), run.ledger)
    return difference


def _questions(run: Torment, now_s: int) -> Iterator[Question]:
    for tier in STORED:
        # The oldest chunk may be dropped at any time.
        from_s = max(tier.oldest(now_s) + tier.chunk_s, now_s - LONG_AGO_S)
        to_s = now_s + AHEAD_S
        for stat, buckets in run.ledger.expected(tier.width_s).items():
            yield Question(stat, tier, from_s, to_s, buckets.between(from_s, to_s))


async def _answer_all(
    run: Torment, ids: dict[str, str], questions: Iterator[Question], difference: Difference
) -> None:
    clients = [run.client(account) for account in range(run.shape.accounts)]
    for question in questions:
        client = clients[run.shape.account_of(question.stat)]
        name = stat_name(question.stat)
        actual = await _buckets(client, ids[name], question) if name in ids else NOTHING
        difference.add(f"{name} {question.tier.name}", question.expected, actual)


async def _buckets(client: Client, stat: str, question: Question) -> Buckets:
    tier = question.tier
    target = (
        f"/v1/stats/{stat}/data?from={question.from_s}&to={question.to_s}"
        f"&resolution={tier.name}&agg=count,sum,min,max&format=columns&fill=none"
    )
    answer = await _asked(client, target)
    assert answer.status == 200, answer
    said = answer.json()
    assert said["resolution"] == tier.name, said["resolution"]
    columns = said["columns"]
    start, amount = (np.array(columns[name], np.int64) for name in ("t", "count"))
    return Buckets(start, amount, *(np.array(columns[name]) for name in ("sum", "min", "max")))


async def _asked(client: Client, target: str) -> Answer:
    """The answer to a question, which is asked anew when the server had closed the connection.

    It closes those that wait too long for their next question.
    """
    try:
        return await client.ask("GET", target)
    except Unanswered:
        return await client.ask("GET", target)


async def _ids(run: Torment) -> dict[str, str]:
    """The public id of every stat by name; a name that two stats have fails."""
    ids: dict[str, str] = {}
    for account in range(run.shape.accounts):
        client = run.client(account)
        cursor: str | None = ""
        while cursor is not None:
            after = f"&cursor={quote(cursor)}" if cursor else ""
            page = (await _asked(client, f"/v1/stats?limit={PAGE}{after}")).json()
            for stat in page["stats"]:
                assert stat["name"] not in ids, f"{stat['name']} is there twice"
                ids[stat["name"]] = stat["id"]
            cursor = page["next"]
    return ids
