"""The silences and maintenance windows of an export.

Law: a silence is written as it would be made, and holds back nothing there that it spared here.
"""

from collections.abc import Mapping

import trio
from msgspec import Struct, field

from api.http.context import Context
from api.http.dates import date_text
from api.notify.quiet import Quiet


class Hush(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A silence or maintenance as it would be made; times are ISO 8601, alerts by their ids."""

    kind: str
    from_: str = field(name="from")
    until: str
    rrule: str = ""
    tz: str = "UTC"
    alerts: tuple[str, ...] = ()
    stats: tuple[str, ...] = ()
    match: str = ""
    severity: str = ""
    labels: Mapping[str, str] = {}
    everything: bool = False
    note: str = ""


class SilenceEntry(Struct, frozen=True):
    """A silence or maintenance."""

    id: str
    created_at: str
    silence: Hush


async def silence_entries(context: Context, account: int, now_ms: int) -> list[SilenceEntry]:
    """What holds back now or will, the oldest first."""
    entries = []
    for quiet in reversed(await context.office.quieting.all(account)):
        await trio.lowlevel.checkpoint()
        # What an annotation holds back belongs to that, and cannot be asked for by itself.
        if quiet.kind == "annotation" or quiet.over(now_ms):
            continue
        hush = _hush(context, quiet)
        if hush is not None:
            entries.append(SilenceEntry(quiet.id, date_text(quiet.created_ms), hush))
    return entries


def _hush(context: Context, quiet: Quiet) -> Hush | None:
    """The form of a silence; None when nothing that it names is there any more."""
    book = context.office.rulebook
    alerts = tuple(one for one in quiet.alerts if book.get(quiet.account, one) is not None)
    found = (context.directory.get(stat) for stat in quiet.stats)
    stats = tuple(stat.name for stat in found if stat is not None and stat.state == "live")
    if (quiet.alerts and not alerts) or (quiet.stats and not (stats or quiet.match)):
        # Without what it named it would hold back everything.
        return None
    return Hush(
        kind=quiet.kind, from_=date_text(quiet.from_ms), until=date_text(quiet.until_ms),
        rrule=quiet.rrule, tz=quiet.tz, alerts=alerts, stats=stats, match=quiet.match,
        severity=quiet.severity, labels=quiet.labels,
        everything=not (alerts or stats or quiet.match or quiet.severity or quiet.labels),
        note=quiet.note,
    )  # fmt: skip
