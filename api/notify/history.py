"""A transition as it is shown: in histories, explanations and live streams. Pure."""

from msgspec import Struct

from api.notify.dates import iso_text
from engine.stats import public_id
from engine.transition import Transition


class TransitionInfo(Struct, frozen=True, kw_only=True):
    """One step of an alert at one stat; `held` names what kept its message back.

    `began` is when its episode did.
    """

    alert: str
    stat: str
    stat_name: str | None
    seq: int
    from_state: str
    to_state: str
    level: str
    at: str
    decided: str
    episode: str | None
    began: str | None
    value: float | None
    base: float | None
    threshold: float | None
    points: int
    reason: str
    tells: str | None
    held: str | None


def transition_info(transition: Transition, stat_name: str | None) -> TransitionInfo:
    """A transition for people and programs."""
    return TransitionInfo(
        alert=transition.rule, stat=public_id(transition.stat), stat_name=stat_name,
        seq=transition.seq, from_state=transition.source.value, to_state=transition.target.value,
        level=transition.level, at=iso_text(transition.at_ms),
        decided=iso_text(transition.decided_ms), episode=transition.episode or None,
        began=iso_text(transition.began_ms) if transition.began_ms else None,
        value=transition.value, base=transition.base, threshold=transition.threshold,
        points=transition.points, reason=transition.reason,
        tells=None if transition.tells is None else transition.tells.value, held=transition.held,
    )  # fmt: skip
