"""From a transition that the engine committed to the deliveries that tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.notify.channels import Channels
from api.notify.delivery import Delivery
from api.notify.links import LINK_MS, Link, sign_link
from api.notify.message import SPARK_POINTS_MAX, Notice, number
from api.notify.rule_form import span_text
from api.notify.rulebook import Rulebook
from engine.ports import Clock, Message, StoreError
from engine.rules import Kind, Rule
from engine.stats import Stat, public_id
from engine.tiers import M1
from engine.transition import Tells, Transition, unpack_transition
from storage.directory import Directory

ACKNOWLEDGE: Final = "ack"
SNOOZE: Final = "snooze"
SPARK_S: Final = SPARK_POINTS_MAX * 60


@dataclass(eq=False, slots=True)
class Expanding:
    """Knows the rules, the stats and the channels that a transition names."""

    rulebook: Rulebook
    directory: Directory
    channels: Channels
    clock: Clock
    public_url: str
    link_key: bytes

    async def deliveries_of(self, message: Message) -> list[Delivery]:
        """One delivery for each channel; none when nobody is to be told any more."""
        transition = unpack_transition(message.body)
        rule = self.rulebook.find(transition.rule)
        if rule is None:
            return []
        channel_ids = dict.fromkeys(transition.channels or rule.channels)
        stat = self.directory.get(transition.stat)
        points = await self._points(rule.account, channel_ids, stat)
        notice = self._notice(transition, rule, stat, points)
        return [
            Delivery(
                id=f"{message.id}_{channel_id}", account=rule.account, channel=channel_id,
                notice=notice, created_ms=self.clock.now_ms(), group=rule.group,
            )
            for channel_id in channel_ids
        ]  # fmt: skip

    def _notice(
        self, transition: Transition, rule: Rule, stat: Stat | None, points: tuple[float, ...]
    ) -> Notice:
        over = transition.tells in (Tells.RESOLVED, Tells.LATE)
        name = None if stat is None else stat.name
        window_s = transition.window_s or rule.window_s
        return Notice(
            episode=transition.episode, seq=transition.seq,
            event=(transition.tells or Tells.FIRING).value, alert=rule.id, name=rule.name,
            kind=rule.kind.value, state=transition.target.value,
            severity=transition.level or rule.severity, at_ms=transition.at_ms,
            decided_ms=transition.decided_ms, started_ms=transition.began_ms or transition.at_ms,
            ended_ms=transition.at_ms if over else None,
            stat=None if stat is None else public_id(stat.id), stat_name=name,
            value=transition.value, base=transition.base, threshold=transition.threshold,
            op=rule.op if rule.kind is Kind.THRESHOLD else None,
            window=span_text(window_s) if rule.windowed else None,
            aggregate=rule.aggregate if rule.windowed else None,
            reason=transition.reason, text=_filled(rule.message, transition, name),
            labels=dict(rule.labels), runbook=rule.runbook or None,
            chart=None if stat is None else f"{self.public_url}/stats/{public_id(stat.id)}",
            acknowledge=None if over else self._link(ACKNOWLEDGE, rule, transition),
            snooze=None if over else self._link(SNOOZE, rule, transition), points=points,
        )  # fmt: skip

    def _link(self, action: str, rule: Rule, transition: Transition) -> str:
        part = f"{transition.stat}:{transition.episode}"
        until_ms = self.clock.now_ms() + LINK_MS
        token = sign_link(self.link_key, Link(action, rule.account, rule.id, part, until_ms))
        return f"{self.public_url}/v1/alerts/{rule.id}/{action}?token={token}"

    async def _points(
        self, account: int, channel_ids: Sequence[str] | dict[str, None], stat: Stat | None
    ) -> tuple[float, ...]:
        """The last hour, for channels that draw it: the others need not wait for the reading."""
        try:
            found = [await self.channels.get(account, one) for one in channel_ids]
            if stat is None or not any(one is not None and one.type == "email" for one in found):
                return ()
            now_s = self.clock.now_ms() // 1000
            reading = await self.rulebook.alerts.node.read(
                stat.partition, stat.id, M1, now_s - SPARK_S, now_s + 1
            )
        except StoreError:
            return ()
        values = reading.rollups.sum if stat.kind == "counter" else (
            reading.rollups.sum / reading.rollups.count
        )  # fmt: skip
        return tuple(values.tolist()[-SPARK_POINTS_MAX:])


def _filled(template: str, transition: Transition, stat: str | None) -> str:
    """The text of a rule with what was measured; nothing else in it is looked at."""
    shown = {
        "value": transition.value, "threshold": transition.threshold, "base": transition.base,
    }  # fmt: skip
    texts = {name: "–" if value is None else number(value) for name, value in shown.items()}
    texts |= {"stat": stat or "", "state": transition.target.value}
    for name, text in texts.items():
        template = template.replace(f"{{{name}}}", text)
    return template
