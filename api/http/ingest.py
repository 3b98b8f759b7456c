"""Points in: `/v1/ingest`, `/v1/ingest/batch` and `/v1/stat`, from bytes to bytes.

Law: an answer of 2xx is given after the points are durable, never before. Every item is accepted,
recognised as a duplicate, or named with a reason; nothing is dropped silently. A repeated request
gets the answer of the first one. No web framework is seen here, so that any server can answer
alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import trio

from api.accounts.keys import Identity
from api.http import repeats
from api.http.bodies import BATCH_CODECS, INGEST_CODECS, codec_of, unpacked
from api.http.callers import identify
from api.http.context import Context
from api.http.decode import Columns, decode_batch, decode_one
from api.http.messages import Header, RawReply, RawRequest, json_reply
from api.http.problems import FieldError, Problem
from api.http.reasons import reason
from api.http.repeats import Answer
from api.http.resolve import NO_STATS, resolve
from api.http.route import query_pairs
from engine.points import Batch, Claim, Points, Receipt
from engine.stats import public_id
from storage.directory_batches import NamedStats

REPLAYED: Final[Header] = (b"idempotent-replayed", b"true")

INGEST_PATH: Final = "/v1/ingest"
BATCH_PATH: Final = "/v1/ingest/batch"
COUNT_PATH: Final = "/v1/stat"


class IngestReply(msgspec.Struct, frozen=True):
    """One point is stored, or was before."""

    accepted: int
    duplicates: int
    stat_id: str
    durable: bool


class Rejected(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item that was not taken, and why."""

    index: int
    code: str
    message: str
    field: str | None = None


class BatchReply(msgspec.Struct, frozen=True):
    """How many points are stored, how many were before, and which ones cannot be."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]
    durable: bool


@dataclass(frozen=True, slots=True)
class Order:
    """An ingest request, understood as far as it can be without the store."""

    request: RawRequest
    caller: Identity
    columns: Columns
    key: str | None
    body_digest: bytes
    atomic: bool

    @property
    def single(self) -> bool:
        """Whether the request is one point rather than a batch."""
        return self.request.path != BATCH_PATH


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of an order: the answer to it, and how many of its points were known before."""

    answer: Answer
    duplicates: int = 0
    replayed: bool = False


async def ingest(context: Context, request: RawRequest) -> RawReply:
    """Answer an ingest request; raises Problem, NotAccepted or StoreError when it is refused.

    The time of items without one is fixed here, before the append, so that reading the log again
    gives the same buckets.
    """
    began_s = trio.current_time()
    caller = await identify(context, request, "write")
    allowance, now_ms = context.allowances.of(caller.account), context.clock.now_ms()
    order = understand(request, caller, now_ms, allowance.oldest_ms(now_ms))
    return _reply(context, order, await store(context, order, began_s))


async def store(context: Context, order: Order, began_s: float) -> Stored:
    """Make all points durable that can be taken; `began_s` is when the request came.

    Raises Problem, NotAccepted or StoreError when nothing was.
    """
    caller = order.caller
    context.allowances.admit(caller.account, caller.key_id, len(order.columns))
    more = context.allowances.of(caller.account).more_stats
    found, columns = await resolve(
        context.directory, caller, order.columns, more, atomic=order.atomic
    )
    if order.atomic and columns.refused:
        found, columns = NO_STATS, columns.without([], range(len(columns)))
    first = found.stats[0].id if found.stats else 0
    answer = Answer.of(order.body_digest, len(columns), first, columns.refused)
    if not found.stats and order.key is None:
        return Stored(answer)
    receipts = await _submit(context, order, found, columns, answer)
    context.meters.acknowledged(trio.current_time() - began_s)
    if (told := _first_answer(order, receipts)) is not None:
        return Stored(told, replayed=True)
    duplicates = sum(_duplicates(order, receipt) for receipt in receipts)
    context.meters.accepted += len(columns) - duplicates
    context.meters.duplicates += duplicates
    return Stored(answer, duplicates)


def understand(request: RawRequest, caller: Identity, now_ms: int, oldest_ms: int = 0) -> Order:
    """Read all that the request says; raises Problem when it is no ingest request."""
    batch = request.path == BATCH_PATH
    atomic = _atomic(request, batch=batch)
    codec = codec_of(request, BATCH_CODECS if batch else INGEST_CODECS)
    key = _key(request, now_ms)
    body = unpacked(request)
    if batch:
        columns = decode_batch(body, codec, now_ms, oldest_ms)
    else:
        counts = request.path == COUNT_PATH
        columns = decode_one(body, codec, now_ms, oldest_ms, counts=counts)
    digest = b""
    if key is not None:
        digest = repeats.body_digest(body, b"atomic" if atomic else b"")
    return Order(request, caller, columns, key, digest, atomic)


def _atomic(request: RawRequest, *, batch: bool) -> bool:
    given: list[str] = []
    for name, value in query_pairs(request.query) if request.query else ():
        if name != "atomic" or not batch:
            raise Problem("unknown_parameter", f"{name[:100]}: no such parameter here.")
        given.append(value.lower())
    if len(given) > 1 or not set(given) <= {"true", "false", "1", "0"}:
        raise Problem("parameter_invalid", "atomic: true or false, once.")
    return given in (["true"], ["1"])


def _key(request: RawRequest, now_ms: int) -> str | None:
    given = request.all(b"idempotency-key")
    if len(given) > 1:
        raise Problem("duplicate_header", "Idempotency-Key: once per request.")
    return repeats.checked_key(given[0], now_ms) if given else None


async def _submit(
    context: Context, order: Order, found: NamedStats, columns: Columns, answer: Answer
) -> list[Receipt]:
    """Append the points, with one batch a partition, and wait until all are durable."""
    claim = None
    if order.key is not None:
        claim = repeats.request_digest(order.caller.account, order.request.path, order.key)
    partitions = context.directory.partitions(order.caller.account)
    if len(partitions) > 1:
        partitions = sorted({stat.partition for stat in found.stats}) or partitions[:1]
    receipts = []
    for partition in partitions:
        rows = None
        if len(partitions) > 1:
            rows = [row for row, stat in enumerate(found.stats) if stat.partition == partition]
        batch = _batch(order, found, columns, rows, claim, answer)
        receipts.append(await context.node.submit(partition, batch))
    return receipts


def _batch(
    order: Order,
    found: NamedStats,
    columns: Columns,
    rows: list[int] | None,
    claim: bytes | None,
    answer: Answer,
) -> Batch:
    """The rows of one partition (None: all), with the claims that make them count once."""
    points = Points(found.ids, columns.at_ms, columns.value)
    if rows is not None:
        keep = np.zeros(len(points), np.bool_)
        keep[rows] = True
        points = points.take(keep)
    claims = []
    if claim is not None:
        claims.append(Claim(claim, answer.pack(), 0, len(points)))
    if columns.ids is not None:
        for at, row in enumerate(range(len(found.stats)) if rows is None else rows):
            name = columns.ids[row]
            if isinstance(name, str):
                digest = repeats.item_digest(order.caller.account, found.stats[row].id, name)
                claims.append(Claim(digest, b"", at, at + 1))
    return Batch(points, tuple(claims))


def _first_answer(order: Order, receipts: Sequence[Receipt]) -> Answer | None:
    """What the first request with this key was answered, when this one is its repeat.

    A request over several partitions that was cut off in the middle is completed by its repeat,
    which then counts as the first.
    """
    if order.key is None:
        return None
    told = [receipt.claims[0] for receipt in receipts]
    answers = [Answer.unpack(packed) for packed in told if packed is not None]
    if any(answer.body_digest != order.body_digest for answer in answers):
        raise Problem(
            "idempotency_key_reused",
            "This Idempotency-Key came before with another body. Nothing was stored now; send"
            " it under a new key.",
        )
    return answers[0] if len(answers) == len(told) else None


def _duplicates(order: Order, receipt: Receipt) -> int:
    """Items whose own id was used before."""
    items = receipt.claims if order.key is None else receipt.claims[1:]
    return sum(answer is not None for answer in items)


def _reply(context: Context, order: Order, stored: Stored) -> RawReply:
    """The answer as bytes; a request of which nothing could be taken raises Problem."""
    answer, duplicates = stored.answer, stored.duplicates
    headers = (REPLAYED,) if stored.replayed else ()
    for refusal in () if order.single else answer.refused:
        context.meters.refused(refusal.code)
    if not answer.accepted:
        raise _problem(order, answer, headers)
    durable = context.node.store.durable
    accepted = answer.accepted - duplicates
    body: object
    if order.single:
        body = IngestReply(accepted, duplicates, public_id(answer.stat), durable)
    else:
        rejected = [
            Rejected(refusal.item, refusal.code, reason(refusal), refusal.field or None)
            for refusal in answer.refused
        ]
        body = BatchReply(accepted, duplicates, rejected, durable)
    return json_reply(order.request.id, 202, body, headers)


def _problem(order: Order, answer: Answer, headers: Sequence[Header]) -> Problem:
    refused = answer.refused
    if order.single:
        first = refused[0]
        error = FieldError(first.code, reason(first), field=first.field or None)
        return Problem(first.code, reason(first), [error], headers)
    errors = [FieldError(r.code, reason(r), r.item, r.field or None) for r in refused]
    total = order.columns.total
    detail = f"{len(refused)} of {total} items cannot be taken"
    detail += ", so none was (atomic)." if order.atomic and len(refused) < total else "."
    return Problem("batch_rejected", detail, errors, headers)
