"""The silences and maintenance windows of an own export come along.

Law: what says the same as one that is here is not made again, whoever made it. What is over by now
is passed over: an export grows old, and is not wrong for that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import trio

from api.importing.brought import Brought
from api.importing.faults import Fault
from api.importing.found import SECONDS_MAX, FoundSilence
from api.notify.ids import new_id
from api.notify.quiet import QUIETS_MAX, SAY_WHAT, Quiet, faults
from api.notify.quieting import Quieting, TooManyQuiets
from api.query.errors import QueryError
from api.query.times import parse_zone
from engine.stats import Stat

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

TO_COME: Final = 0
"""What a dry run writes for a stat that would come in: no stat has this id."""


class SilenceFault(Exception):
    """A silence cannot be made here; the text says why."""


@dataclass(frozen=True, slots=True)
class SilenceImport:
    """Makes silences of one account, for the import that is called `by`; a dry run makes none."""

    quieting: Quieting
    account: int
    by: str
    dry_run: bool

    async def bring(
        self,
        found: Sequence[Mapping[str, Any]],
        names: Mapping[str, Stat],
        alerts: Mapping[str, str],
        now_ms: int,
    ) -> Brought:
        """Make those that are not there; `names` are the stats that there are, `alerts` the ids
        here of those of the dump.
        """
        brought = Brought()
        kept = await self.quieting.all(self.account)
        known = {_told(one): one.by for one in kept}
        amount = len(kept)
        for form in found:
            await trio.lowlevel.checkpoint()
            try:
                quiet = self._quiet(form, names, alerts, now_ms)
                # In a thread: a calendar that counts from long ago takes a tenth of a second.
                if await trio.to_thread.run_sync(quiet.over, now_ms):
                    continue
                if _told(quiet) not in known:
                    if amount >= QUIETS_MAX:
                        raise SilenceFault(f"there are {QUIETS_MAX} silences already")
                    if not self.dry_run:
                        await self.quieting.create(quiet)
                    amount += 1
                    known[_told(quiet)] = self.by
                brought.count(new=known[_told(quiet)] == self.by)
            except (SilenceFault, TooManyQuiets) as fault:
                brought.faults.append(_fault(form, fault))
        return brought

    async def forget(self) -> None:
        """End all that were made; what they held back is told if it is still so."""
        for quiet in await self.quieting.all(self.account):
            if quiet.by == self.by:
                await self.quieting.end(quiet)

    def _quiet(
        self,
        form: Mapping[str, Any],
        names: Mapping[str, Stat],
        alerts: Mapping[str, str],
        now_ms: int,
    ) -> Quiet:
        found = _found(form)
        missing = [name for name in found.stats if name not in names]
        if missing and not self.dry_run:
            raise SilenceFault(f"there is no stat {missing[0]}")
        unknown = [alert for alert in found.alerts if alert not in alerts]
        if unknown:
            raise SilenceFault(f"there is no alert {unknown[0]}")
        quiet = Quiet(
            id=new_id("si"), account=self.account, from_ms=_ms(found.from_),
            until_ms=_ms(found.until), created_ms=now_ms, rrule=found.rrule, tz=found.tz,
            kind=found.kind or ("maintenance" if found.rrule else "silence"),
            alerts=tuple(alerts[alert] for alert in found.alerts),
            stats=tuple(names[name].id if name in names else TO_COME for name in found.stats),
            match=found.match, severity=found.severity, labels=found.labels, note=found.note,
            by=self.by,
        )  # fmt: skip
        for field, text in faults(quiet):
            raise SilenceFault(f"{field}: {text}")
        return quiet


def _found(form: Mapping[str, Any]) -> FoundSilence:
    """The silence of a form; its times and its zone are some, and it says what it holds back."""
    try:
        found = msgspec.convert(form, FoundSilence)
        parse_zone(found.tz)
    except msgspec.ValidationError as error:
        raise SilenceFault(f"it is no silence that is known here: {error}") from None
    except QueryError as error:
        raise SilenceFault(f"{error}") from None
    if _ms(found.from_) < 0 or _ms(found.until) >= SECONDS_MAX * 1000:
        raise SilenceFault("from: between 1970 and some 240 years ahead")
    matchers = (found.alerts, found.stats, found.match, found.severity, found.labels)
    if any(matchers) == found.everything:
        raise SilenceFault(SAY_WHAT)
    return found


def _ms(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def _told(one: Quiet) -> tuple[object, ...]:
    """What a silence says, whoever said it and when."""
    return (
        one.kind,
        one.from_ms,
        one.until_ms,
        one.rrule,
        one.tz,
        frozenset(one.alerts),
        frozenset(one.stats),
        one.match,
        one.severity,
        frozenset(one.labels.items()),
        one.note,
    )


def _fault(form: Mapping[str, Any], error: Exception) -> Fault:
    return Fault(f"silence {form.get('note') or form.get('from', '')}"[:200], f"{error}")
