"""The alerts of a dump come along.

Law: an alert that was imported has an id that follows from what it says, so that a repeat finds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from api.importing.brought import Brought
from api.importing.faults import Fault
from api.importing.found import FoundAlert
from api.notify.channel import Channel
from api.notify.ids import BITS, DIGITS
from api.notify.office import Office
from api.notify.rule_form import EXPRESSION, FormFault, RuleForm, rule_of
from api.notify.rule_stats import kept_form
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


@dataclass(frozen=True, slots=True)
class AlertImport:
    """Makes alerts of one account, for the import that is called `by`; a dry run makes none."""

    office: Office
    directory: Directory
    allowances: Allowances
    account: int
    by: str
    dry_run: bool

    async def bring(self, found: Sequence[FoundAlert]) -> Brought:
        """Make those that are not there, what others depend on first; NotAccepted ends it."""
        brought = Brought()
        ids = {one.id: self._id_here(one) for one in found}
        for one in in_order(found):
            try:
                brought.count(new=await self._alert(one, ids))
                brought.ids[one.id] = ids[one.id]
            except AlertFault as fault:
                brought.faults.append(Fault(one.what, f"{fault}"))
        return brought

    async def forget(self) -> None:
        """Drop all that were made."""
        for rule in self.office.rulebook.of(self.account):
            if rule.extra.get(IMPORTED) == self.by:
                await self.office.rulebook.drop(rule)

    async def _alert(self, found: FoundAlert, ids: Mapping[str, str]) -> bool:
        """Make an alert unless it is there; whether it is of this import. AlertFault."""
        book, account = self.office.rulebook, self.account
        rule_id = self._id_here(found)
        known = book.get(account, rule_id)
        if known is not None:
            return known.extra.get(IMPORTED) == self.by
        rules = len(book.of(account))
        if rules >= RULES_MAX:
            raise AlertFault(f"there are {RULES_MAX:,} alerts already")
        try:
            self.allowances.of(account).check("alerts", rules)
        except PlanLimit as limit:
            raise AlertFault(f"{limit}") from limit
        wants = found.channels or found.escalation
        channels = await self.office.channels.all(account) if wants else []
        awaited = ids.get(str(found.form.get("depends_on")), "")
        form = _form(found, channels, awaited if book.get(account, awaited) else None)
        now_ms = self.office.means.clock.now_ms()
        stats, over = _stats(self.directory.names(account), form, dry_run=self.dry_run)
        rule = _rule(form, rule_id, account, stats, over, now_ms)
        if not self.dry_run:
            kept = kept_form(form, stats, over)
            extra = {"form": kept, "created_ms": now_ms, IMPORTED: self.by}
            if form.match is not None:
                extra["match"] = form.match
            await book.put(replace(rule, revision=1, extra=extra), stats)
        return True

    def _id_here(self, found: FoundAlert) -> str:
        """The id of an alert: its own where the export was made here, else that of what it says."""
        if self.office.rulebook.get(self.account, found.id) is not None:
            return found.id
        return _id_of(self.account, found)


def in_order(found: Sequence[FoundAlert]) -> list[FoundAlert]:
    """What others depend on comes before them."""
    named = {one.id: one for one in found if one.id}
    ordered: dict[int, FoundAlert] = {}
    for one in found:
        chain: dict[int, FoundAlert] = {}
        step: FoundAlert | None = one
        # In a circle somebody comes first, who then awaits nobody.
        while step is not None and id(step) not in ordered and id(step) not in chain:
            chain[id(step)] = step
            step = named.get(str(step.form.get("depends_on")))
        ordered |= reversed(chain.items())
    return list(ordered.values())


def _id_of(account: int, found: FoundAlert) -> str:
    # Steps came later: without any, an alert keeps the id that it was given before.
    said = [account, found.form, found.channels, *([found.escalation] if found.escalation else [])]
    told = msgspec.json.encode(said, order="deterministic")
    digest = int.from_bytes(sha256(told).digest()) % (1 << BITS)
    return f"al_{base62(digest, DIGITS)}"


def _form(found: FoundAlert, channels: Sequence[Channel], awaited: str | None) -> RuleForm:
    """The form, with the channels that are called the same here, and the alert that it awaits."""
    known: dict[tuple[str, str], str] = {(one.type, one.name): one.id for one in channels}
    steps = [
        {"after": after, "channels": [known[one] for one in to if one in known]}
        for after, to in found.escalation
    ]
    fields: dict[str, Any] = {
        "channels": [known[one] for one in found.channels if one in known],
        "escalation": [step for step in steps if step["channels"]],
        **found.form,
        "depends_on": awaited,
    }
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
