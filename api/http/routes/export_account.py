"""A whole account as a zip of open files, of any size: `POST /v1/export`."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from typing import Final

from api.export.account import AccountZip, Wanted, wanted_of
from api.http.context import Context
from api.http.messages import Reply, StreamReply, all_headers
from api.http.problems import Problem, unavailable
from api.http.route import Call, Nothing, Route
from api.http.written import attachment

EXPORTS_MAX: Final = 2
"""Exports of one account at a time: each reads all of its history."""

RETRY_S: Final = 30.0

ZIP: Final = b"application/zip"


async def export_account(call: Call[Nothing, Nothing]) -> Reply:
    """The whole account: its stats with all that is kept of them, alerts, notes and dashboards.

    A zip of CSV and JSON, streamed; what is in it stands in docs/export.md. A key with a prefix
    gets the stats that it may touch.
    """
    context, account = call.context, call.caller.account
    if not context.node.ready:
        raise Problem("not_ready")
    wanted = await wanted_of(context, account, call.caller)
    if context.exports[account] >= EXPORTS_MAX:
        raise unavailable("rate_limited", RETRY_S, f"At most {EXPORTS_MAX} exports at a time.")
    day = datetime.fromtimestamp(wanted.at_ms // 1000, UTC).strftime("%Y%m%d")
    headers = [attachment(f"statflow_{day}.zip")]
    opened = partial(_opened, context, account, wanted)
    return StreamReply(200, all_headers(call.request.id, ZIP, headers), opened)


@asynccontextmanager
async def _opened(
    context: Context, account: int, wanted: Wanted
) -> AsyncGenerator[AsyncIterator[bytes]]:
    context.exports[account] += 1
    try:
        with closing(AccountZip(context, wanted)) as export:
            yield export
    finally:
        context.exports -= Counter([account])


ROUTES: Final = (
    Route(
        "POST", "/v1/export", "The whole account as a zip", "read",
        {200: "application/zip"}, Nothing, Nothing, export_account,
        problems=("not_ready", "rate_limited"),
    ),
)  # fmt: skip
