"""Every route of the server, in one table."""

from typing import Any

from api.http.route import Route
from api.http.routes import (
    alerts,
    annotations,
    answers,
    auth,
    backtests,
    channels,
    dashboards,
    data,
    deliveries,
    docs,
    export,
    export_account,
    imports,
    ingest,
    keys,
    live,
    live_socket,
    members,
    oembed,
    ops,
    pages,
    pings,
    query,
    sessions,
    shared,
    shared_live,
    silences,
    stathat,
    stathat_command,
    stathat_embeds,
    stathat_reading,
    stats,
    usage,
)

_DESCRIBED: tuple[Route[Any, Any], ...] = (
    *ingest.ROUTES,
    *stats.ROUTES,
    *data.ROUTES,
    *query.ROUTES,
    *export.ROUTES,
    *export_account.ROUTES,
    *imports.ROUTES,
    *live.ROUTES,
    *live_socket.ROUTES,
    *backtests.ROUTES,
    *alerts.ROUTES,
    *answers.ROUTES,
    *silences.ROUTES,
    *annotations.ROUTES,
    *pings.ROUTES,
    *channels.ROUTES,
    *deliveries.ROUTES,
    *keys.ROUTES,
    *usage.ROUTES,
    *auth.ROUTES,
    *sessions.ROUTES,
    *members.ROUTES,
    *dashboards.ROUTES,
    *shared.ROUTES,
    *shared_live.ROUTES,
    *oembed.ROUTES,
    *pages.ROUTES,
    *stathat.ROUTES,
    *stathat_reading.ROUTES,
    *stathat_command.ROUTES,
    *stathat_embeds.ROUTES,
    *ops.ROUTES,
)

ROUTES: tuple[Route[Any, Any], ...] = (
    *_DESCRIBED,
    *docs.routes_describing(_DESCRIBED),
)

PAGES: tuple[Route[Any, Any], ...] = (*pages.PAGES, *shared.PAGES)
"""Addresses that people open and the files behind them: no part of the interface."""
