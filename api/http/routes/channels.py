"""Channels: make, look at, change, try, confirm, remove. Their secrets are shown once."""

from html import escape
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from api.http.dates import date_text
from api.http.link_pages import HTML, PAGE_HEADERS, page
from api.http.messages import Reply, reply
from api.http.problems import FieldError, Problem
from api.http.route import Call, Nothing, Route
from api.notify.bodies.table import BodyName
from api.notify.channel import CHANNELS_MAX, Channel, ChannelType
from api.notify.channels import ChannelFault, TooManyChannels, Wanted
from api.notify.message import Message, Notice
from api.notify.outcome import Later
from api.notify.outgoing import Answered
from api.notify.schedule import said

Text = Annotated[str, Meta(max_length=2_048)]


class NewChannel(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place to send alerts to: `url` for a webhook, `address` for e-mail.

    `body` is how a webhook is written; `secret` signs it and is made here unless it is given.
    """

    type: ChannelType
    name: Text
    url: Text | None = None
    address: Text | None = None
    body: BodyName | None = None
    secret: Text | None = None
    routing_key: Text | None = None


class ChannelPatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be changed; what is left out stays. `enabled` true: send to it again.

    `rotate_secret`: sign with a new secret, and with the one before beside it.
    """

    name: Text | UnsetType = UNSET
    url: Text | UnsetType = UNSET
    address: Text | UnsetType = UNSET
    body: BodyName | UnsetType = UNSET
    routing_key: Text | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    rotate_secret: Literal[True] | UnsetType = UNSET


class ChannelInfo(Struct, frozen=True, kw_only=True):
    """A channel as it is listed; `status` says why nothing is sent to it, if so."""

    id: str
    type: str
    name: str
    url: str | None
    address: str | None
    body: str | None
    enabled: bool
    confirmed: bool
    status: str
    created: str


class CreatedChannel(ChannelInfo, frozen=True, kw_only=True):
    """A new channel, or one with a new secret; `secret` is shown this once."""

    secret: str | None


class ChannelList(Struct, frozen=True):
    """The channels of the account, the oldest first."""

    channels: list[ChannelInfo]
    next: str | None = None


class Tried(Struct, frozen=True):
    """What came of a test message: `said` is all that is told of the answer."""

    ok: bool
    said: str
    took_ms: int


class TokenParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`token` stands in the link."""

    token: str


async def create_channel(call: Call[Nothing, NewChannel]) -> Reply:
    """Make a channel."""
    body = call.body
    wanted = Wanted(body.name, body.url, body.address, body.body, body.secret, body.routing_key)
    try:
        channel, secret = await call.context.office.channels.create(
            call.caller.account, body.type, wanted
        )
    except ChannelFault as fault:
        raise channel_problem(fault) from None
    except TooManyChannels:
        raise Problem("plan_limit", f"At most {CHANNELS_MAX} channels; remove one.") from None
    return call.json(201, CreatedChannel(**asdict(info_of(channel)), secret=secret))


async def list_channels(call: Call[Nothing, Nothing]) -> Reply:
    """The channels of the account."""
    channels = await call.context.office.channels.all(call.caller.account)
    return call.json(200, ChannelList([info_of(channel) for channel in channels]))


async def get_channel(call: Call[Nothing, Nothing]) -> Reply:
    """One channel."""
    return call.json(200, info_of(await _channel(call)))


async def change_channel(call: Call[Nothing, ChannelPatch]) -> Reply:
    """Change a channel."""
    channels, patch = call.context.office.channels, call.body
    channel = await _channel(call)
    wanted = Wanted(
        patch.name or None, patch.url or None, patch.address or None, patch.body or None,
        None, patch.routing_key or None,
    )  # fmt: skip
    secret = None
    try:
        if wanted != Wanted():
            channel = await channels.change(channel, wanted)
        if patch.rotate_secret is True:
            channel, secret = await channels.rotate(channel)
    except ChannelFault as fault:
        raise channel_problem(fault) from None
    if patch.enabled is True:
        channel = await channels.enable(channel)
    elif patch.enabled is False:
        await channels.disable(channel, "turned off")
        channel = await _channel(call)
    info = info_of(channel)
    return call.json(200, CreatedChannel(**asdict(info), secret=secret) if secret else info)


async def remove_channel(call: Call[Nothing, Nothing]) -> Reply:
    """Forget a channel; what waits for it is held."""
    await call.context.office.channels.remove(await _channel(call))
    return reply(call.request.id, 204, b"text/plain", b"")


async def try_channel(call: Call[Nothing, Nothing]) -> Reply:
    """Send a test message now, once, and tell what came of it."""
    office = call.context.office
    channel = await _channel(call)
    if channel.blocked is not None:
        raise Problem("channel_blocked", f"{channel.blocked[:1].upper()}{channel.blocked[1:]}.")
    began_ms = call.context.clock.now_ms()
    message = test_message(channel, call.request.id, began_ms, call.context.public_url)
    outcome = await office.carriers.carry(channel, message)
    took_ms = call.context.clock.now_ms() - began_ms
    if isinstance(outcome, Later):
        return call.json(200, Tried(False, "too many messages within the hour", took_ms))
    ok = isinstance(outcome, Answered) and 200 <= outcome.status < 300
    return call.json(200, Tried(ok, said(outcome), took_ms))


async def show_confirmation(call: Call[TokenParams, Nothing]) -> Reply:
    """A page that asks whether the address wants alerts; looking at it changes nothing."""
    link = call.context.office.channels.invited(call.params.token)
    if link is None:
        raise Problem("link_expired")
    text = (
        f"<p>Alerts will be sent to <b>{escape(link.part)}</b>.</p>"
        '<form method="post"><button>Yes, send them</button></form>'
    )
    return reply(call.request.id, 200, HTML, page("Alerts for this address?", text), PAGE_HEADERS)


async def confirm(call: Call[TokenParams, Nothing]) -> Reply:
    """The address wants alerts."""
    channel = await call.context.office.channels.confirm(call.params.token)
    if channel is None:
        raise Problem("link_expired")
    text = f"<p>Alerts are sent to <b>{escape(channel.target)}</b> from now on.</p>"
    return reply(call.request.id, 200, HTML, page("Confirmed", text), PAGE_HEADERS)


def channel_problem(fault: ChannelFault) -> Problem:
    """What is wrong with a channel, as it is answered."""
    text = f"{fault.field}: {fault}."
    return Problem(fault.code, text, [FieldError(fault.code, text, field=fault.field)])


def info_of(channel: Channel) -> ChannelInfo:
    """A channel as it is shown."""
    email = channel.type == "email"
    return ChannelInfo(
        id=channel.id, type=channel.type, name=channel.name,
        url=None if email else channel.target, address=channel.target if email else None,
        body=channel.body if channel.type == "webhook" else None,
        enabled=channel.disabled is None, confirmed=channel.confirmed,
        status=channel.blocked or "ok", created=date_text(channel.created_ms),
    )  # fmt: skip


def test_message(channel: Channel, request_id: str, now_ms: int, public_url: str) -> Message:
    """A message that says that it is a test."""
    notice = Notice(
        episode=f"ep_test_{request_id}", seq=1, event="test", alert="al_test", name="test message",
        kind="test", state="TEST", severity="warning", at_ms=now_ms, decided_ms=now_ms,
        started_ms=now_ms, text=f"This is a test message for the channel {channel.name}.",
    )  # fmt: skip
    message_id = f"msg_test_{request_id}_{channel.id}"
    return Message(id=message_id, sent_ms=now_ms, public_url=public_url, notices=(notice,))


async def _channel(call: Call[Nothing, Nothing] | Call[Nothing, ChannelPatch]) -> Channel:
    channel = await call.context.office.channels.get(call.caller.account, call.ids["id"])
    if channel is None:
        raise Problem("not_found", "There is no such channel.")
    return channel


_WRONG: Final = ("webhook_url", "webhook_address", "email", "rate_limited")

ROUTES: Final = (
    Route(
        "POST", "/v1/channels", "Make a channel", "edit",
        {201: CreatedChannel}, Nothing, NewChannel, create_channel,
        problems=("plan_limit", *_WRONG),
    ),
    Route(
        "GET", "/v1/channels", "List the channels", "read",
        {200: ChannelList}, Nothing, Nothing, list_channels,
    ),
    Route(
        "GET", "/v1/channels/confirm", "Ask whether an address wants alerts", None,
        {200: "text/html"}, TokenParams, Nothing, show_confirmation, problems=("link_expired",),
    ),
    Route(
        "POST", "/v1/channels/confirm", "Confirm an address", None,
        {200: "text/html"}, TokenParams, Nothing, confirm,
        problems=("link_expired", "store_unavailable"),
    ),
    Route(
        "GET", "/v1/channels/{id}", "Look at a channel", "read",
        {200: ChannelInfo}, Nothing, Nothing, get_channel,
    ),
    Route(
        "PATCH", "/v1/channels/{id}", "Change a channel", "edit",
        {200: CreatedChannel}, Nothing, ChannelPatch, change_channel, problems=_WRONG,
    ),
    Route(
        "DELETE", "/v1/channels/{id}", "Remove a channel", "edit",
        {204: "text/plain"}, Nothing, Nothing, remove_channel,
    ),
    Route(
        "POST", "/v1/channels/{id}/test", "Send a test message", "edit",
        {200: Tried}, Nothing, Nothing, try_channel, problems=("channel_blocked",),
    ),
)  # fmt: skip
