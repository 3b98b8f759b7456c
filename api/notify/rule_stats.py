"""The stats that the form of a rule names: kept by their ids, told by the names they have. Pure.

Law: a rule names stats, not the names of the moment. A stat that was renamed stays in it, and one
that got a name which another had does not come into it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.notify.rule_form import RuleForm
from engine.rules import Rule
from engine.stats import NoSuchStat, Stat, canonical_name, public_id, stat_id
from storage.directory import Directory


@dataclass(frozen=True, slots=True)
class ToldForm:
    """A form as it would be asked for now; `lacking` when it cannot spare what is `gone`."""

    fields: dict[str, Any]
    gone: bool = False
    lacking: bool = False


def kept_form(form: RuleForm, stats: Sequence[Stat], over: Stat | None) -> dict[str, Any]:
    """A form as it is kept with its rule; `stats` and `over` are those that it names."""
    kept: dict[str, Any] = msgspec.to_builtins(form)
    if form.stat or form.stats:
        ids = [public_id(stat.id) for stat in (*stats, over) if stat is not None]
        kept |= {"stat": ids[0]} if form.stat else {"stats": ids}
    return kept


def told_form(directory: Directory, rule: Rule, watched: Iterable[int]) -> ToldForm:
    """The form of a rule that is judged at `watched`.

    Of several stats those that are gone are left out, as long as there are others.
    """
    fields = dict(rule.extra.get("form", {}))
    if fields.get("stat"):
        texts = [fields["stat"]]
    elif not (texts := fields.get("stats") or []):
        return ToldForm(fields)
    found = _meant(directory, rule, texts, watched)
    gone = None in found
    if rule.over is None and any(found):
        found = [stat for stat in found if stat is not None]
    names = [t if s is None else s.name for t, s in zip(texts, found, strict=False)]
    fields |= {"stat": names[0]} if fields.get("stat") else {"stats": names}
    return ToldForm(fields, gone, lacking=None in found)


def _meant(
    directory: Directory, rule: Rule, texts: Sequence[str], watched: Iterable[int]
) -> list[Stat | None]:
    """The stat of each text; None for one that is gone."""
    ids = [_id(text) for text in texts]
    if None in ids:
        return _written(directory, rule, texts, watched)
    return [_own(directory, rule, one) for one in ids]


def _written(
    directory: Directory, rule: Rule, texts: Sequence[str], watched: Iterable[int]
) -> list[Stat | None]:
    """The stats of a form that was kept as it was written, which is how earlier releases did it.

    At which stats the rule is judged tells which were meant; the texts give their order.
    """
    here = {stat.name: stat for one in sorted(watched) if (stat := _own(directory, rule, one))}
    if rule.over is not None:
        return [next(iter(here.values()), None), _own(directory, rule, rule.over)]
    given = [_own(directory, rule, _id(text)) for text in texts]
    names = [canonical_name(t) if s is None else s.name for t, s in zip(texts, given, strict=True)]
    found = [here.pop(name, None) for name in names]
    # Those that are left have another name now.
    renamed = iter(here.values())
    return [stat or next(renamed, None) for stat in found]


def _id(text: str) -> int | None:
    try:
        return stat_id(text)
    except NoSuchStat:
        return None


def _own(directory: Directory, rule: Rule, stat: int | None) -> Stat | None:
    found = None if stat is None else directory.get(stat)
    return found if found is not None and found.account == rule.account else None
