"""Deliveries: what was sent where, what waits, what was given up and why; and sending again."""

from typing import Final

from msgspec import Struct

from api.http.cursors import check_note
from api.http.dates import date_text
from api.http.messages import Reply
from api.http.problems import FieldError, Problem
from api.http.route import Call, Nothing, Route
from api.notify.delivery import Delivery, State
from api.notify.records import LIST_MAX
from storage.documents import Conflict


class ListParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Without `state` those that wait, then those that ended; of a `channel`, of an `alert`.

    At most `limit`; `next` of the page before is `cursor`.
    """

    state: State | None = None
    channel: str | None = None
    alert: str | None = None
    cursor: str | None = None
    limit: int = 100


class AttemptInfo(Struct, frozen=True):
    """One attempt: when, how long it took, and what was said."""

    at: str
    took_ms: int
    said: str


class DeliveryInfo(Struct, frozen=True, kw_only=True):
    """One delivery; `reason` says why it was held back or given up."""

    id: str
    state: str
    channel: str
    alert: str
    episode: str
    seq: int
    event: str
    stat: str | None
    created: str
    next_try: str | None
    tries: int
    attempts: list[AttemptInfo]
    reason: str


class Retried(Struct, frozen=True):
    """A delivery that is tried again."""

    id: str
    state: str = "pending"


class DeliveryList(Struct, frozen=True):
    """One page of deliveries."""

    deliveries: list[DeliveryInfo]
    next: str | None


async def list_deliveries(call: Call[ListParams, Nothing]) -> Reply:
    """What waits stands on the first page, before what ended."""
    params, records = call.params, call.context.office.records
    account = call.caller.account
    if not 1 <= params.limit <= LIST_MAX:
        text = f"limit: 1 to {LIST_MAX}."
        raise Problem(
            "parameter_invalid", text, [FieldError("parameter_invalid", text, field="limit")]
        )
    check_note(params.cursor)
    if params.state == "dead":
        dead = [one for one in await records.dead(account) if _fits(one, params)]
        return call.json(200, DeliveryList([info_of(one) for one in dead[: params.limit]], None))
    waiting: list[Delivery] = []
    if params.cursor is None and params.state in (None, "pending"):
        waiting = list(reversed(await records.pending(account)))
    if params.state == "pending":
        found = [one for one in waiting if _fits(one, params)]
        return call.json(200, DeliveryList([info_of(one) for one in found[: params.limit]], None))
    page = await records.ended(account, params.cursor, params.limit)
    shown = [one for one in (*waiting, *page.deliveries) if _fits(one, params)]
    return call.json(200, DeliveryList([info_of(one) for one in shown], page.next))


async def send_again(call: Call[Nothing, Nothing]) -> Reply:
    """Try a delivery that waits, or that was given up, at once; under the same id."""
    office, account, wanted = call.context.office, call.caller.account, call.ids["id"]
    if office.dispatcher.hurry(account, wanted):
        return call.json(202, Retried(wanted))
    letter = await office.records.dead_letter(account, wanted)
    if letter is None:
        raise Problem("not_found", "No delivery of that id waits or was given up.")
    revived = letter.anew(call.context.clock.now_ms())
    try:
        await office.dispatcher.revive(revived)
    except Conflict:
        raise Problem("not_found", "Somebody has sent it again already.") from None
    return call.json(202, Retried(wanted))


def info_of(delivery: Delivery) -> DeliveryInfo:
    """A delivery as it is shown."""
    notice = delivery.notice
    return DeliveryInfo(
        id=delivery.id, state=delivery.state, channel=delivery.channel, alert=notice.alert,
        episode=notice.episode, seq=notice.seq, event=notice.event, stat=notice.stat,
        created=date_text(delivery.created_ms),
        next_try=date_text(delivery.next_ms) if delivery.next_ms else None,
        tries=delivery.tries,
        attempts=[AttemptInfo(date_text(a.at_ms), a.took_ms, a.said) for a in delivery.attempts],
        reason=delivery.reason,
    )  # fmt: skip


def _fits(delivery: Delivery, params: ListParams) -> bool:
    return (
        params.state in (None, delivery.state)
        and params.channel in (None, delivery.channel)
        and params.alert in (None, delivery.notice.alert)
    )


ROUTES: Final = (
    Route(
        "GET", "/v1/deliveries", "See what was sent, what waits and what was given up", "read",
        {200: DeliveryList}, ListParams, Nothing, list_deliveries,
        problems=("cursor_invalid",),
    ),
    Route(
        "POST", "/v1/deliveries/{id}/retry", "Send again", "edit",
        {202: Retried}, Nothing, Nothing, send_again,
    ),
)  # fmt: skip
