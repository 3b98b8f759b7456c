"""Points from StatHat's clients: `/ez`, `/c` and `/v`, from bytes to bytes.

Law: `{"status":200,"msg":"ok"}` is said after every point is durable, never before. What cannot be
taken is answered 200 with `{"status":500,"msg":…}`, because that is where clients look; while
nothing can be taken at all it is 503 with such a body. There always is a body: some wait for one.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import trio
from msgspec import Struct

from api.accounts.keys import Identity, Permission
from api.http.answer import OURS, problem_of
from api.http.context import Context
from api.http.decode import to_columns
from api.http.ingest import Order, store
from api.http.messages import RawReply, RawRequest, json_reply
from api.http.problems import Problem
from api.http.reasons import reason
from api.http.repeats import Refusal
from api.stathat.access import Access, Secret
from api.stathat.door import admitted
from api.stathat.forms import Sent, read_sent, to_parsed
from engine.stats import Kind, NoSuchStat

log = logging.getLogger("statflow.stathat")

OK: Final = "ok"

EZ_PATH: Final = "/ez"

EZ_KEYS: Final = ("ezkey", "email", "ukey")
"""Where clients put the key of an account."""

WRITES: Final = frozenset[Permission]({"write"})


class StatHatReply(Struct, frozen=True):
    """What clients look at: 200 when all was stored, 500 otherwise, and why."""

    status: int
    msg: str


async def write_ez(context: Context, request: RawRequest) -> RawReply:
    """Take points of stats by name; those that are new are made."""
    return await _answered(context, request)


async def write_classic(context: Context, request: RawRequest) -> RawReply:
    """Take a point of the stat that the key names."""
    return await _answered(context, request)


async def _answered(context: Context, request: RawRequest) -> RawReply:
    try:
        refused = await _write(context, request)
    except Exception as error:
        return _failed(context, request, problem_of(error), error)
    for refusal in refused:
        context.meters.refused(refusal.code)
    return _reply(request, 200, StatHatReply(500, _told(refused)) if refused else _OK)


async def _write(context: Context, request: RawRequest) -> Sequence[Refusal]:
    """Store what can be; returns what could not."""
    began_s = trio.current_time()
    sent = read_sent(request)
    classic = request.path != EZ_PATH
    access = await _access(context, request, sent, "user_key" if classic else "ezkey")
    kind: Kind | None = None
    if classic:
        sent, kind = _of_stat(context, access, sent)
    allowance, now_ms = context.allowances.of(access.account), context.clock.now_ms()
    columns = to_columns(to_parsed(sent, kind), now_ms, allowance.oldest_ms(now_ms))
    caller = Identity(access.account, f"stathat {access.account}", WRITES)
    order = Order(request, caller, columns, None, b"", atomic=False)
    return (await store(context, order, began_s)).answer.refused


async def _access(context: Context, request: RawRequest, sent: Sent, kind: Secret) -> Access:
    """Whose points these are; Problem when nobody knows the key."""
    given = next((key for name in EZ_KEYS if isinstance(key := sent.sender.get(name), str)), "")
    return await admitted(context, request, given, kind)


def _of_stat(context: Context, access: Access, sent: Sent) -> tuple[Sent, Kind]:
    """The point with the name of its stat, and the type of that."""
    key = sent.sender.get("key")
    number = access.stat_of(key) if isinstance(key, str) else None
    try:
        stat = None if number is None else context.directory.get(number)
    except NoSuchStat:
        stat = None
    if stat is None or stat.account != access.account:
        raise Problem("invalid_key", "There is no such stat.")
    points = tuple({**point, "stat": stat.name} for point in sent.points)
    return replace(sent, points=points), stat.kind


def _failed(context: Context, request: RawRequest, problem: Problem, error: Exception) -> RawReply:
    """The answer to a request of which nothing was stored, as far as is known."""
    context.meters.refused(problem.code)
    if problem.code in OURS:
        log.error("request %s failed", request.id, exc_info=error)
    text = "invalid keys" if problem.code == "invalid_key" else problem.code.replace("_", " ")
    body = StatHatReply(500, f"{text}: {problem.detail}")
    status = 503 if problem.status >= 500 else 200
    return _reply(request, status, body, problem)


def _reply(
    request: RawRequest, status: int, body: StatHatReply, problem: Problem | None = None
) -> RawReply:
    headers = () if problem is None else problem.headers
    return json_reply(request.id, status, body, headers)


def _told(refused: Sequence[Refusal]) -> str:
    """The first refusal, and how many there are."""
    more = f" ({len(refused)} points were not taken, the others were)" if len(refused) > 1 else ""
    return f"{refused[0].code.replace('_', ' ')}: {reason(refused[0])}{more}"


_OK: Final = StatHatReply(200, OK)
