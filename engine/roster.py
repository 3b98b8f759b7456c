"""Which rules there are, and which of them watches which stat. Pure.

Law: whatever is listed several times at one place stands there in one order, that of rules and
stats, so that the log read again finds the same.
"""

from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from engine.alert_actor import AlertActor
from engine.rollup import Ints
from engine.rules import Rule
from engine.tiers import S1

Place = tuple[str, int]
"""A rule and a stat."""


class Roster:
    """Rules by id and their actors; `unready` are those that are not judged yet."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self.actors: dict[Place, AlertActor] = {}
        self.unready: dict[AlertActor, None] = {}
        self._of_stat: dict[int, list[AlertActor]] = {}
        self._of_rule: dict[str, dict[int, AlertActor]] = {}
        self._stats: Ints | None = None
        self._fine: Counter[int] = Counter()

    def __repr__(self) -> str:
        return f"<Roster of {len(self.rules)} rules at {len(self.actors)} stats>"

    def __contains__(self, stat: object) -> bool:
        """Whether somebody watches a stat."""
        return stat in self._of_stat

    @property
    def fine(self) -> Collection[int]:
        """The stats whose seconds a restart needs, as they are now."""
        return self._fine.keys()

    def watched(self) -> Ints:
        """The stats that rules look at, sorted."""
        if self._stats is None:
            self._stats = np.sort(np.fromiter(self._of_stat, np.int64, len(self._of_stat)))
        return self._stats

    def of_stat(self, stat: int) -> Sequence[AlertActor]:
        """Who looks at a stat."""
        return self._of_stat.get(stat, ())

    def of_rule(self, rule: str) -> list[AlertActor]:
        """The actors of a rule."""
        return sorted(self._of_rule.get(rule, {}).values(), key=place_of)

    def fires(self, rule: str) -> bool:
        """Whether an alert of a rule is open at any stat."""
        return any(actor.state.open for actor in self._of_rule.get(rule, {}).values())

    def add(self, actor: AlertActor) -> None:
        """One more actor."""
        self.actors[place_of(actor)] = actor
        self._of_rule.setdefault(actor.rule.id, {})[actor.stat] = actor
        self._list(actor)

    def remove(self, place: Place) -> AlertActor | None:
        """The actor that was at a place, and is not any more."""
        actor = self.actors.pop(place, None)
        if actor is not None:
            self._unlist(actor)
            del self._of_rule[actor.rule.id][actor.stat]
        return actor

    def change(self, actor: AlertActor, rule: Rule) -> None:
        """An actor goes on under a changed rule, which may look at other stats."""
        self._unlist(actor)
        actor.change_rule(rule)
        self._list(actor)

    def refill(self, stats: Iterable[int]) -> None:
        """More is known of the past of some stats: windows are filled before they are judged."""
        for actor in dict.fromkeys(one for stat in stats for one in self.of_stat(stat)):
            if any(source.tier is not S1 for source in actor.sources):
                actor.refill()
                self.unready[actor] = None

    def _list(self, actor: AlertActor) -> None:
        for stat in actor.stats:
            insort(self._of_stat.setdefault(stat, []), actor, key=place_of)
        if not (actor.loaded and actor.state.armed):
            self.unready[actor] = None
        if actor.fine:
            self._fine.update(actor.stats)
        self._stats = None

    def _unlist(self, actor: AlertActor) -> None:
        for stat in actor.stats:
            self._of_stat[stat].remove(actor)
            if not self._of_stat[stat]:
                del self._of_stat[stat]
        self.unready.pop(actor, None)
        for stat in actor.stats if actor.fine else ():
            self._fine[stat] -= 1
            if not self._fine[stat]:
                del self._fine[stat]
        self._stats = None


def place_of(actor: AlertActor) -> Place:
    """Where an actor stands."""
    return actor.rule.id, actor.stat
