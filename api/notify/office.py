"""All of notification in one place: rules, channels, deliveries, and what runs for them.

Law: the engine decides what is told; here it is only brought to whom it concerns.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import trio

from api.accounts.vault import Vault
from api.notify.addresses import EMAIL, Network
from api.notify.alarms import Alarms
from api.notify.annotations import Annotations
from api.notify.carriers import Carriers
from api.notify.channel import Channel
from api.notify.channels import Channels, OwnAddresses, nobody
from api.notify.dispatcher import Dispatcher
from api.notify.expanding import Expanding
from api.notify.guard import Guard, Resolve, resolve
from api.notify.history import transition_info
from api.notify.mail import Mail, Mailer
from api.notify.news import News, NewsDesk
from api.notify.outgoing import Send, send
from api.notify.pings import Pings
from api.notify.quieting import Quieting
from api.notify.recorder import Recorder
from api.notify.records import Records
from api.notify.rulebook import Rulebook
from api.notify.watchman import Watch, Watchman
from engine.alerts import Alerts
from engine.node import Node
from engine.ports import Clock, Judged, StoreError
from engine.transition import unpack_transition
from storage.directory import Directory
from storage.documents import Documents

log = logging.getLogger("statflow.notify")

STORE_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Preferences:
    """How the operator wants it: networks that webhooks may reach, a watcher, whom to tell."""

    allowed: Sequence[Network] = ()
    with_apprise: bool = False
    heartbeat_url: str | None = None
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What notification works with; `resolve` and `send` are the ways out of this machine."""

    node: Node
    directory: Directory
    documents: Documents
    clock: Clock
    public_url: str
    vault: Vault
    mailer: Mailer
    post: Callable[[Mail], bool]
    preferences: Preferences = Preferences()
    spread: Callable[[int], int] = lambda _: 1
    warnings: Callable[[], list[str]] = list
    own_addresses: OwnAddresses = nobody
    resolve: Resolve = resolve
    send: Send = send


@dataclass(eq=False, slots=True)
class Office:
    """Notification of one server."""

    means: Means
    alerts: Alerts
    rulebook: Rulebook
    channels: Channels
    carriers: Carriers
    records: Records
    dispatcher: Dispatcher
    news: NewsDesk
    quieting: Quieting
    annotations: Annotations
    pings: Pings
    alarms: Alarms
    watchman: Watchman

    def judged(self, partition: int, judged: Judged) -> None:
        """A partition has committed transitions; never waits."""
        if judged.messages:
            self.dispatcher.call(partition)
        for record in judged.transitions:
            transition = unpack_transition(record)
            rule = self.rulebook.find(transition.rule)
            if rule is not None and self.news.wanted(rule.account):
                stat = self.means.directory.get(transition.stat)
                told = transition_info(transition, None if stat is None else stat.name)
                self.news.tell(rule.account, News("alert", told))

    async def run(self, accounts: Callable[[], Awaitable[Sequence[int]]]) -> None:
        """Work for ever, once the rules are known; what was under way before goes first."""
        await self.means.node.wait_ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.rulebook.run)
            nursery.start_soon(self.quieting.run, accounts)
            nursery.start_soon(self.watchman.run)
            nursery.start_soon(self.alarms.run, self.dispatcher.add)
            while True:
                try:
                    waiting = await self.dispatcher.load(await accounts())
                    break
                except StoreError as error:
                    log.info("deliveries begin later: %s", error)
                    await trio.sleep(STORE_RETRY_S)
            nursery.start_soon(self.dispatcher.run, waiting)


def office_of(means: Means) -> Office:
    """The office; nothing runs yet."""
    alerts = Alerts(means.node)
    wanted, guard = means.preferences, Guard(means.preferences.allowed, means.resolve)
    rulebook = Rulebook(alerts, means.directory, means.spread)
    channels = Channels(
        means.documents, means.vault, guard, means.clock, means.public_url, means.post,
        means.own_addresses, with_apprise=wanted.with_apprise,
    )  # fmt: skip
    carriers = Carriers(
        guard, means.vault, means.mailer, means.clock, means.public_url,
        shouting() if wanted.with_apprise else None, means.send,
    )  # fmt: skip
    records = Records(means.documents, means.clock)
    expanding = Expanding(
        rulebook, means.directory, channels, means.clock, means.public_url, means.vault.link_key
    )
    store, clock = means.node.store, means.clock
    alarms = Alarms(channels, means.clock)
    dispatcher = Dispatcher(
        store, Recorder(store, records, clock), channels, carriers.carry,
        expanding.deliveries_of, clock, means.public_url, alarms,
    )  # fmt: skip
    return Office(
        means,
        alerts,
        rulebook,
        channels,
        carriers,
        records,
        dispatcher,
        NewsDesk(),
        Quieting(means.documents, rulebook, means.directory, clock),
        Annotations(means.documents, clock),
        Pings(means.documents, means.directory, rulebook, means.vault, clock),
        alarms,
        _watchman(means, carriers, alarms),
    )


def _watchman(means: Means, carriers: Carriers, alarms: Alarms) -> Watchman:
    operator = operator_channel(means.preferences.operator, means.clock.now_ms())
    return Watchman(
        means.node, carriers, means.clock, Watch(means.preferences.heartbeat_url, operator),
        lambda: [*means.warnings(), *alarms.warnings()],
    )  # fmt: skip


class Ear:
    """What the engine tells before there is an office, and then to it."""

    def __init__(self) -> None:
        self.office: Office | None = None

    def judged(self, partition: int, judged: Judged) -> None:
        """A partition has committed transitions."""
        if self.office is not None:
            self.office.judged(partition, judged)


def operator_channel(target: str | None, now_ms: int) -> Channel | None:
    """Where the operator wants to hear of the server itself: an address, or a webhook."""
    if target is None:
        return None
    return Channel(
        id="ch_operator", account=0, type="email" if EMAIL.fullmatch(target) else "webhook",
        name="operator", target=target, created_ms=now_ms,
    )  # fmt: skip


def shouting() -> Callable[[str, str, str], bool]:
    """Tells what apprise knows, which the operator has installed beside us."""
    import apprise

    def shout(url: str, title: str, body: str) -> bool:
        services = apprise.Apprise()
        return services.add(url) and bool(services.notify(body=body, title=title))

    return shout
