"""For operators: health, readiness, metrics."""

from typing import Final

from msgspec import Struct

from api.http.callers import identify
from api.http.context import LOOPBACK
from api.http.exposition import exposition
from api.http.messages import Reply, reply
from api.http.route import Call, Nothing, Route

PROXY_HEADERS: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
"""Whoever sends one of them is a proxy, and who is behind it is not known."""

TEXT: Final = b"text/plain; version=0.0.4; charset=utf-8"


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class Readiness(Struct, frozen=True):
    """Whether every partition has applied its log, and how many have; `warnings` say what is amiss.

    `read_only` says why no points are taken, if none are.
    """

    status: str
    partitions: int
    ready: int
    read_only: str | None
    warnings: list[str]


async def healthz(call: Call[Nothing, Nothing]) -> Reply:
    """200 while the process answers at all."""
    return call.json(200, Health("ok"))


async def readyz(call: Call[Nothing, Nothing]) -> Reply:
    """200 once every partition serves; 503 with the progress until then, and while stopping.

    Also 503 while the store does not answer, for then every other request is refused.
    """
    statistics = call.context.node.statistics()
    ready = sum(partition.ready for partition in statistics.partitions)
    total = len(statistics.partitions)
    status = "ready" if ready == total else "starting"
    warnings = call.context.warnings()
    if not call.context.keyring.confirmed:
        status = "store_unavailable"
        warnings.append("the store does not answer: until it does, nobody is served")
    if call.context.stopping.is_set():
        status = "stopping"
    shorter = sum(partition.kept_shorter > 0 for partition in statistics.partitions)
    if shorter:
        warnings.append(
            f"memory is short: fine resolutions are kept shorter in {shorter} partitions"
        )
    dead = sum(partition.dead_letters for partition in statistics.partitions)
    if dead:
        warnings.append(f"{dead} log entries could not be counted and are kept aside")
    body = Readiness(status, total, ready, statistics.read_only, warnings)
    return call.json(200 if status == "ready" else 503, body)


async def metrics(call: Call[Nothing, Nothing]) -> Reply:
    """Prometheus' text format; from this machine, or with an admin key."""
    request = call.request
    if request.client not in LOOPBACK or any(request.header(name) for name in PROXY_HEADERS):
        await identify(call.context, call.request, "admin")
    return reply(call.request.id, 200, TEXT, exposition(call.context).encode())


ROUTES: Final = (
    Route("GET", "/healthz", "Is it alive", None, {200: Health}, Nothing, Nothing, healthz),
    Route(
        "GET", "/readyz", "Does it serve", None,
        {200: Readiness, 503: Readiness}, Nothing, Nothing, readyz,
    ),
    Route(
        "GET", "/metrics", "What this server counts of itself", None,
        {200: "text/plain"}, Nothing, Nothing, metrics,
        problems=("missing_key", "invalid_key", "insufficient_scope"),
    ),
)  # fmt: skip
