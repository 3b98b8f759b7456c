"""The channels of all accounts: made, checked, changed, and remembered for the dispatcher.

Law: a secret is shown when it is made and never again. An e-mail address of somebody else hears
nothing until they have said, by the link that is sent to them, that they want to.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import trio
from msgspec.structs import replace

from api.accounts.vault import Vault
from api.notify.addresses import EMAIL, AddressFault, read_target
from api.notify.alert_mail import confirmation_mail
from api.notify.bodies.pagerduty import EVENTS_URL
from api.notify.bodies.table import BodyName
from api.notify.channel import (
    CHANNELS_MAX,
    KIND,
    NAME_LENGTH_MAX,
    Channel,
    ChannelType,
    pack_channel,
    unpack_channel,
)
from api.notify.guard import Guard
from api.notify.ids import new_id
from api.notify.links import LINK_MS, Link, read_link, sign_link
from api.notify.mail import Mail, MailFault
from api.notify.postmark import Postmark
from api.notify.signing import SECRET_BYTES, SECRETS_MAX, read_secret, secret_of
from engine.ports import Clock
from storage.documents import Documents, Write

REMEMBERED_S: Final = 2.0
"""What another node changed is known here after this time."""

REMEMBERED_MAX: Final = 10_000

KEY_LENGTH_MAX: Final = 2_048

ASKED_AN_HOUR: Final = 3
"""Mails to one address that ask whether it wants alerts."""

ACCOUNT_ASKS_AN_HOUR: Final = 20
CONFIRM: Final = "confirm"

OwnAddresses = Callable[[int], Awaitable[set[str]]]
"""The addresses of an account whose owners have already proved that they read them."""


class ChannelFault(Exception):
    """What is wrong with a channel: the problem code, the field, and how it should be."""

    def __init__(self, code: str, field: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.field = field


class TooManyChannels(Exception):
    """The account has as many channels as it may."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A channel as somebody wants it; None is what was not said."""

    name: str | None = None
    url: str | None = None
    address: str | None = None
    body: BodyName | None = None
    secret: str | None = None
    routing_key: str | None = None


async def nobody(account: int) -> set[str]:
    """For servers without log-ins: every address confirms by link."""
    return set()


class Channels:
    """The channels of every account; `post` takes mails that nobody waits for."""

    def __init__(
        self,
        documents: Documents,
        vault: Vault,
        guard: Guard,
        clock: Clock,
        public_url: str,
        post: Callable[[Mail], bool],
        own_addresses: OwnAddresses = nobody,
        *,
        with_apprise: bool = False,
    ) -> None:
        self._documents = documents
        self._vault = vault
        self._guard = guard
        self._clock = clock
        self._public_url = public_url
        self._post = post
        self._own_addresses = own_addresses
        self._with_apprise = with_apprise
        self._asked = Postmark(ASKED_AN_HOUR), Postmark(ACCOUNT_ASKS_AN_HOUR)
        self._remembered: dict[tuple[int, str], tuple[Channel | None, float]] = {}

    def __repr__(self) -> str:
        return f"<Channels {len(self._remembered)} remembered>"

    async def get(self, account: int, channel_id: str) -> Channel | None:
        """A channel, at most two seconds old; None when the account has none of that id."""
        known = self._remembered.get((account, channel_id))
        if known is not None and trio.current_time() < known[1]:
            return known[0]
        found = await self._documents.get(KIND, account, channel_id, self._clock.now_ms())
        channel = None if found is None else unpack_channel(found.body)
        self._remember(account, channel_id, channel)
        return channel

    async def all(self, account: int) -> list[Channel]:
        """The channels of an account, the oldest first."""
        found = await self._documents.all(KIND, account, self._clock.now_ms())
        channels = [unpack_channel(document.body) for document in found]
        return sorted(channels, key=lambda channel: (channel.created_ms, channel.id))

    async def create(
        self, account: int, kind: ChannelType, wanted: Wanted
    ) -> tuple[Channel, str | None]:
        """Make a channel; returns it with the secret that signs its messages, if it has one."""
        if len(await self.all(account)) >= CHANNELS_MAX:
            raise TooManyChannels(f"an account has at most {CHANNELS_MAX} channels")
        channel = Channel(
            id=new_id("ch"), account=account, type=kind, name=_name(wanted.name), target="",
            created_ms=self._clock.now_ms(), body=wanted.body or "statflow",
        )  # fmt: skip
        channel = await self._aimed(channel, wanted)
        secret = None
        if kind == "webhook":
            secret = _secret(wanted.secret)
            channel = replace(channel, secrets=(self._vault.seal(secret, channel.id),))
        self._check_asking(channel)
        await self._write(channel, expected=0)
        if not channel.confirmed:
            self._ask(channel)
        return channel, secret

    async def change(self, channel: Channel, wanted: Wanted) -> Channel:
        """Change what is said; a new address must be confirmed anew."""
        changed = replace(channel, body=wanted.body or channel.body)
        if wanted.name is not None:
            changed = replace(changed, name=_name(wanted.name))
        changed = await self._aimed(changed, wanted)
        asks = not changed.confirmed and changed.target != channel.target
        if asks:
            self._check_asking(changed)
        await self._write(changed)
        if asks:
            self._ask(changed)
        return changed

    async def rotate(self, channel: Channel) -> tuple[Channel, str]:
        """Give a webhook a new secret; the one before goes on signing beside it."""
        if channel.type != "webhook":
            raise ChannelFault("field_invalid", "rotate_secret", "only webhooks have a secret")
        secret = _secret(None)
        sealed = (self._vault.seal(secret, channel.id), *channel.secrets)[:SECRETS_MAX]
        channel = replace(channel, secrets=sealed)
        await self._write(channel)
        return channel, secret

    async def enable(self, channel: Channel) -> Channel:
        """Send to it again."""
        channel = replace(channel, disabled=None)
        await self._write(channel)
        return channel

    async def disable(self, channel: Channel, reason: str) -> None:
        """Send nothing to it until somebody turns it on again."""
        await self._write(replace(channel, disabled=reason))

    async def remove(self, channel: Channel) -> None:
        """Forget a channel; what waits for it is held."""
        gone = Write(KIND, channel.account, channel.id, None)
        await self._documents.write([gone], self._clock.now_ms())
        self._remembered.pop((channel.account, channel.id), None)

    def invited(self, token: str) -> Link | None:
        """What a confirmation link is for, if it is one."""
        return read_link(self._vault.link_key, token, CONFIRM, self._clock.now_ms())

    async def confirm(self, token: str) -> Channel | None:
        """The channel whose address was confirmed; None when the link is no longer good."""
        link = self.invited(token)
        channel = None if link is None else await self.get(link.account, link.target)
        if link is None or channel is None or channel.target != link.part:
            return None
        channel = replace(channel, confirmed=True)
        await self._write(channel)
        return channel

    async def _aimed(self, channel: Channel, wanted: Wanted) -> Channel:
        """The channel with the target that is wanted."""
        if channel.type == "email":
            return await self._email(channel, wanted)
        if channel.type == "apprise":
            return self._apprise(channel, wanted)
        url = wanted.url
        if channel.body == "pagerduty":
            url = url or (channel.target or EVENTS_URL)
            if wanted.routing_key is None and channel.key is None:
                raise ChannelFault("field_required", "routing_key", "PagerDuty needs it")
        if wanted.routing_key is not None:
            channel = replace(channel, key=self._vault.seal(_key(wanted.routing_key), channel.id))
        if url is None:
            if not channel.target:
                raise ChannelFault("field_required", "url", "where the messages go")
            return channel
        try:
            target = read_target(url.strip())
            await self._guard.check(target)
        except AddressFault as fault:
            raise ChannelFault(fault.code, "url", f"{fault}") from None
        return replace(channel, target=target.url)

    async def _email(self, channel: Channel, wanted: Wanted) -> Channel:
        if wanted.address is None:
            if not channel.target:
                raise ChannelFault("field_required", "address", "where the messages go")
            return channel
        address = wanted.address.strip()
        try:
            if not EMAIL.fullmatch(address):
                raise MailFault("no address")
            Mail(address, "", "")
        except MailFault:
            raise ChannelFault("email", "address", "an e-mail address: ann@example.com") from None
        own = address.lower() in await self._own_addresses(channel.account)
        known = own or (channel.confirmed and address == channel.target)
        return replace(channel, target=address, confirmed=known)

    def _apprise(self, channel: Channel, wanted: Wanted) -> Channel:
        if not self._with_apprise:
            raise ChannelFault(
                "field_invalid", "type", "whoever runs the server does not allow apprise"
            )
        if wanted.url is None:
            if channel.key is None:
                raise ChannelFault("field_required", "url", "the service, as apprise writes it")
            return channel
        scheme = wanted.url.partition("://")[0]
        sealed = self._vault.seal(_key(wanted.url), channel.id)
        return replace(channel, target=f"{scheme}://…"[:40], key=sealed)

    def _check_asking(self, channel: Channel) -> None:
        """ChannelFault when so many were asked lately that it would be a nuisance."""
        now_ms = self._clock.now_ms()
        names = (channel.target, f"account {channel.account}")
        rooms = [mark.room_at(name, now_ms) for mark, name in zip(self._asked, names, strict=True)]
        if not channel.confirmed and max(rooms) > now_ms:
            raise ChannelFault("rate_limited", "address", "asked lately; try again in an hour")

    def _ask(self, channel: Channel) -> None:
        for mark, name in zip(
            self._asked, (channel.target, f"account {channel.account}"), strict=True
        ):
            mark.note(name, self._clock.now_ms())
        until_ms = self._clock.now_ms() + LINK_MS
        link = Link(CONFIRM, channel.account, channel.id, channel.target, until_ms)
        token = sign_link(self._vault.link_key, link)
        page = f"{self._public_url}/v1/channels/confirm?token={token}"
        self._post(confirmation_mail(channel.target, page))

    async def _write(self, channel: Channel, expected: int | None = None) -> None:
        write = Write(KIND, channel.account, channel.id, pack_channel(channel), expected)
        await self._documents.write([write], self._clock.now_ms())
        self._remember(channel.account, channel.id, channel)

    def _remember(self, account: int, channel_id: str, channel: Channel | None) -> None:
        while len(self._remembered) >= REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]
        until_s = trio.current_time() + REMEMBERED_S
        self._remembered[account, channel_id] = channel, until_s


def _name(given: str | None) -> str:
    name = (given or "").strip()
    if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise ChannelFault("field_invalid", "name", f"1 to {NAME_LENGTH_MAX} printable characters")
    return name


def _secret(given: str | None) -> str:
    if given is None:
        return secret_of(secrets.token_bytes(SECRET_BYTES))
    try:
        read_secret(given)
    except ValueError as error:
        raise ChannelFault("field_invalid", "secret", f"{error}") from None
    return given


def _key(given: str) -> str:
    if not 0 < len(given) <= KEY_LENGTH_MAX or not given.isprintable():
        raise ChannelFault("field_invalid", "url", f"1 to {KEY_LENGTH_MAX} printable characters")
    return given
