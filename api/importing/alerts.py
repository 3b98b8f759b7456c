"""The alerts of a dump come along.

Law: an alert that was imported has an id that follows from what it says, so that a repeat finds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from api.importing.faults import Fault
from api.importing.found import FoundAlert
from api.notify.channel import Channel
from api.notify.ids import BITS, DIGITS
from api.notify.office import Office
from api.notify.rule_form import EXPRESSION, FormFault, RuleForm, rule_of
from api.notify.rulebook import RULES_MAX
from api.plans.allowances import Allowances, PlanLimit
from engine.base62 import base62
from engine.rules import Rule
from engine.stats import Kind, Stat
from storage.directory import Directory
from storage.directory_search import glob

IMPORTED: Final = "import"
"""Under this name a rule tells by which import it came."""


class AlertFault(Exception):
    """An alert cannot be made here; the text says why."""


async def import_alert(
    office: Office,
    directory: Directory,
    allowances: Allowances,
    account: int,
    found: FoundAlert,
    by: str,
    *,
    dry_run: bool,
) -> bool:
    """Make an alert unless it is there; whether it is new. AlertFault, or NotAccepted."""
    book = office.rulebook
    rule_id = _id_of(account, found)
    if book.get(account, rule_id) is not None:
        return False
    rules = len(book.of(account))
    if rules >= RULES_MAX:
        raise AlertFault(f"there are {RULES_MAX:,} alerts already")
    try:
        allowances.of(account).check("alerts", rules)
    except PlanLimit as limit:
        raise AlertFault(f"{limit}") from limit
    channels = await office.channels.all(account) if found.channels else []
    form = _form(found, channels)
    now_ms = office.means.clock.now_ms()
    stats, over = _stats(directory.names(account), form, dry_run=dry_run)
    rule = _rule(form, rule_id, account, stats, over, now_ms)
    if not dry_run:
        extra = {"form": msgspec.to_builtins(form), "created_ms": now_ms, IMPORTED: by}
        if form.match is not None:
            extra["match"] = form.match
        await book.put(replace(rule, revision=1, extra=extra), stats)
    return True


def fault_of(found: FoundAlert, error: Exception) -> Fault:
    """An alert that was not made, and why."""
    return Fault(found.what, f"{error}")


def _id_of(account: int, found: FoundAlert) -> str:
    told = msgspec.json.encode([account, found.form, found.channels], order="deterministic")
    digest = int.from_bytes(sha256(told).digest()) % (1 << BITS)
    return f"al_{base62(digest, DIGITS)}"


def _form(found: FoundAlert, channels: Sequence[Channel]) -> RuleForm:
    """The form, with the channels that are called the same here."""
    known = {(one.type, one.name): one.id for one in channels}
    mine = [known[one] for one in found.channels if one in known]
    fields: dict[str, Any] = {**found.form, "channels": mine}
    fields.pop("depends_on", None)  # The id of another alert, which has another id here.
    try:
        return msgspec.convert(fields, RuleForm)
    except msgspec.ValidationError as error:
        raise AlertFault(f"it is no alert that is known here: {error}") from None


def _stats(
    known: Mapping[str, Stat], form: RuleForm, *, dry_run: bool
) -> tuple[list[Stat], Stat | None]:
    """The stats that an alert watches now, and the one that divides."""
    if form.match is not None:
        fits = glob(form.match)
        return [s for n, s in known.items() if s.state == "live" and fits.fullmatch(n)], None
    names = [form.stat] if form.stat else list(form.stats or ())
    missing = [name for name in names if name not in known]
    if not names or (missing and not dry_run):
        raise AlertFault(f"there is no stat {missing[0]}" if missing else "it names no stat")
    stats = [known[name] for name in names if name in known]
    if form.expr is None or not EXPRESSION.fullmatch(form.expr) or len(stats) != 2:
        return stats, None
    if stats[0].partition != stats[1].partition:
        raise AlertFault("its two stats are kept apart here")
    return stats[:1], stats[1]


def _rule(
    form: RuleForm,
    rule_id: str,
    account: int,
    stats: Sequence[Stat],
    over: Stat | None,
    now_ms: int,
) -> Rule:
    kinds = {stat.kind for stat in stats}
    kind = Kind.VALUE if kinds == {Kind.VALUE} else Kind.COUNTER
    try:
        return rule_of(form, rule_id, account, kind, None if over is None else over.id, now_ms)
    except FormFault as fault:
        raise AlertFault(f"{fault}") from fault
