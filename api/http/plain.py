"""Plain points: what most programs send again and again, taken many at a time.

Law: a request is plain when all about it is usual: JSON, a key that is known and may send anything
from anywhere, a stat that lives, a value, no id of its own. It has the answer, to the
byte, that it would have alone. What is not surely plain is left to `ingest`, untouched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import trio
from msgspec import UNSET

from api.http.answer import refused
from api.http.bodies import INGEST_CODECS, codec_of
from api.http.callers import TOKEN_LIMIT, bearer_token
from api.http.codecs import JSON
from api.http.context import Context
from api.http.decode import decode_plain
from api.http.ingest import INGEST_PATH, IngestReply
from api.http.messages import PLACE_OF_ID, RawRequest, SharedReply, json_reply
from api.http.problems import Problem
from api.plans.allowances import MonthSpent, TooFast
from engine.points import Batch, Points
from engine.stats import Stat, public_id

REPLIES_KEPT: Final = 10_000
"""Replies kept ready, one a stat, of half a kilobyte."""

SPECIAL: Final = (b"idempotency-key", b"content-encoding")
"""Headers that make a request unusual."""


class PlainPoints:
    """Takes the plain points among requests."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._replies: dict[int, SharedReply] = {}

    def __repr__(self) -> str:
        return f"<PlainPoints, {len(self._replies)} replies ready>"

    def sender(self, request: RawRequest) -> bytes | None:
        """The digest of the key in the head of a request; None when it can be no plain one."""
        if request.path != INGEST_PATH or request.method != "POST" or request.query:
            return None
        if any(request.header(name) is not None for name in SPECIAL):
            return None
        try:
            token = bearer_token(request)
            usual = codec_of(request, INGEST_CODECS) is JSON
        except Problem:
            return None
        return sha256(token).digest() if usual and token and len(token) <= TOKEN_LIMIT else None

    def turn(self) -> "Turn":
        """Begin with the requests of this moment."""
        return Turn(self)

    def reply(self, stat: int) -> SharedReply:
        """The answer to a point that is stored."""
        known = self._replies.get(stat)
        if known is None:
            if len(self._replies) >= REPLIES_KEPT:
                self._replies.clear()
            body = IngestReply(1, 0, public_id(stat), self.context.node.store.durable)
            known = self._replies[stat] = SharedReply(json_reply(PLACE_OF_ID, 202, body))
        return known


@dataclass(frozen=True, slots=True)
class _Caller:
    """Whose key it is, the account's stats by name, and since when it may send."""

    account: int
    key_id: str
    stats: Mapping[str, Stat]
    oldest_ms: int


class Turn:
    """Points that came at the same moment, each a request."""

    def __init__(self, plain: PlainPoints) -> None:
        self._plain = plain
        self._began_s = trio.current_time()
        self._now_ms = plain.context.clock.now_ms()
        self._callers: dict[bytes, _Caller | None] = {}
        self._bundles: dict[int, Bundle] = {}

    def __repr__(self) -> str:
        return f"<Turn at {self._now_ms}: {len(self._bundles)} bundles>"

    def take(self, sender: bytes, body: bytes) -> "Bundle | SharedReply | None":
        """Put a request into a bundle, or say why it may not come; None when it is not plain."""
        if sender not in self._callers:
            self._callers[sender] = self._caller(sender)
        caller = self._callers[sender]
        if caller is None:
            return None
        item = decode_plain(body, self._now_ms, caller.oldest_ms)
        if item is None:
            return None
        name, kind, value, at_ms = item
        stat = caller.stats.get(name)
        if stat is None or stat.state != "live" or (kind is not UNSET and kind is not stat.kind):
            return None
        try:
            self._plain.context.allowances.admit(caller.account, caller.key_id, 1)
        except (TooFast, MonthSpent) as error:
            meters = self._plain.context.meters
            reply = refused(meters, PLACE_OF_ID, error)
            meters.answered(INGEST_PATH, reply.status)
            return SharedReply(reply)
        bundle = self._bundles.get(stat.partition)
        if bundle is None:
            bundle = Bundle(self._plain, stat.partition, self._began_s)
            self._bundles[stat.partition] = bundle
        bundle.stats.append(stat.id)
        bundle.at_ms.append(at_ms)
        bundle.values.append(value)
        return bundle

    def _caller(self, digest: bytes) -> _Caller | None:
        context = self._plain.context
        identity = context.keyring.known(digest)
        if identity is None or not identity.may("write"):
            return None
        if identity.allow_from or identity.prefix is not None:
            return None
        stats = context.directory.names(identity.account)
        oldest_ms = context.allowances.of(identity.account).oldest_ms(self._now_ms)
        return _Caller(identity.account, identity.key_id, stats, oldest_ms)


@dataclass(slots=True, eq=False)
class Bundle:
    """Points of one partition, each a request, to be stored together."""

    plain: PlainPoints
    partition: int
    began_s: float
    stats: list[int] = field(default_factory=list)
    at_ms: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    async def replies(self) -> list[SharedReply]:
        """Make all points durable, or none; the answers, in order."""
        context, requests = self.plain.context, len(self.stats)
        points = Points.of(self.stats, self.at_ms, self.values)
        try:
            await context.node.submit(self.partition, Batch(points))
        except Exception as error:  # As in `answered`.
            reply = refused(context.meters, PLACE_OF_ID, error, requests)
            context.meters.answered(INGEST_PATH, reply.status, requests)
            return [SharedReply(reply)] * requests
        context.meters.acknowledged(trio.current_time() - self.began_s, requests)
        context.meters.accepted += requests
        context.meters.answered(INGEST_PATH, 202, requests)
        return list(map(self.plain.reply, self.stats))
