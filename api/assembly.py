"""All that a server works with, put together: engine, accounts, plans, notification.

Law: what is opened here is closed here, in the opposite order; whatever fails in a task ends all.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import trio

from api.accounts.addresses import read_network
from api.accounts.desk import Desk
from api.accounts.hashing import Hasher
from api.accounts.keyring import Keyring
from api.accounts.owner import found_owner
from api.accounts.sessions import Sessions
from api.accounts.vault import Vault, VaultFault, open_vault
from api.clock import WallClock
from api.export.archive import Archive, Shelf
from api.greeting import Say, greet
from api.http.context import Context
from api.http.cookies import Cookies, transport_of
from api.http.upkeep import keep_up
from api.importing.jobs import Importing
from api.importing.jobs import Means as ImportMeans
from api.importing.kept import Kept
from api.notify.cron import next_ms
from api.notify.guard import Guard
from api.notify.mail import Mailer, OutboxMailer, SmtpMailer, SmtpServer, default_sender
from api.notify.mail_queue import MailQueue
from api.notify.office import Ear, Means, Office, Preferences, office_of
from api.opening import Storage, open_storage
from api.plans.allowances import Allowances
from api.plans.billing import Billing
from api.plans.meter import Meter
from api.plans.warning import Warnings
from api.settings import Settings, SettingsError
from engine.node import EngineSettings, Node, open_node
from engine.ports import Clock
from engine.supervision import patiently
from storage.directory import Directory
from storage.documents import Documents


@asynccontextmanager
async def open_context(settings: Settings, address: str, say: Say) -> AsyncGenerator[Context]:
    """All that a server works with but the web server; at the end what was taken is committed."""
    async with open_storage(settings, say) as storage:
        clock, ear = WallClock(), Ear()
        spread = await _spread(storage)
        directory = Directory(storage.store, clock, spread)
        await directory.load()
        async with (
            open_node(
                storage.store, clock, EngineSettings(settings.seconds_memory), directory.apply,
                directory.without_percentiles, directory.accounts, next_ms, ear.judged,
            ) as node,
            trio.open_nursery() as nursery,
        ):  # fmt: skip
            try:
                base = _Base(settings, address, storage, clock, node, directory, spread)
                context = await base.build(nursery, ear)
                opened = trio.Event()
                nursery.start_soon(_when_ready, node, directory, storage.documents, clock, opened)
                made = await patiently("accounts", partial(found_owner, storage.catalog, clock))
                if made is not None:
                    await opened.wait()  # Whoever pastes the printed command at once is answered.
                await greet(say, context.desk, context.cookies, made)
                yield context
            finally:
                nursery.cancel_scope.cancel()


Spread = Callable[[int], int]
"""Over how many partitions the stats of an account spread."""


async def _spread(storage: Storage) -> Spread:
    accounts = await patiently("accounts", storage.catalog.accounts)
    known = {account.id: account.spread for account in accounts}
    return lambda account: known.get(account, 1)


@dataclass(frozen=True, slots=True)
class _Base:
    """What everything else stands on."""

    settings: Settings
    address: str
    storage: Storage
    clock: Clock
    node: Node
    directory: Directory
    spread: Spread

    async def build(self, nursery: trio.Nursery, ear: Ear) -> Context:
        """Put the rest on it; its tasks run in the nursery."""
        settings, storage, clock = self.settings, self.storage, self.clock
        keyring = Keyring(storage.catalog, clock)
        meter = Meter(storage.store, self.directory)
        allowances = Allowances(
            storage.documents, meter, clock, settings.plans, settings.default_plan
        )
        vault, mailer = _vault(settings), _mailer(settings, self.address)
        archive = Archive(_shelf(settings))
        mails = MailQueue(mailer)
        desk = self._desk(vault, mails, allowances)
        office = ear.office = office_of(self._means(vault, mailer, mails, desk, archive))
        warnings = Warnings(
            allowances, storage.documents, clock, desk.owners, mails.put, self.address
        )
        importing = self._importing(vault, office, allowances)
        for run in (keyring.run, allowances.run, desk.sessions.run):
            await nursery.start(run)
        accounts = storage.account_ids
        nursery.start_soon(importing.run, accounts)
        for task in (mails.run, warnings.run, partial(office.run, accounts)):
            nursery.start_soon(task)
        transport = transport_of(
            self.address, tls=settings.tls_cert is not None, loopback=settings.loopback
        )
        context = Context(
            self.node, self.directory, keyring, storage.documents, desk, office, clock,
            self.address, allowances, office.watchman.warnings, Cookies(transport),
            tuple(map(read_network, settings.trusted_proxies)), billing=_billing(settings),
            importing=importing,
        )  # fmt: skip
        nursery.start_soon(archive.run, context, storage.account_ids)
        return context

    def _desk(self, vault: Vault, mails: MailQueue, allowances: Allowances) -> Desk:
        storage, settings = self.storage, self.settings

        def check_members(account: int, amount: int) -> None:
            allowances.of(account).check("members", amount)

        return Desk(
            storage.documents, storage.catalog, self.clock,
            Sessions(storage.documents, self.clock), Hasher(), vault, mails.put, self.address,
            settings.sign_up_rule, confirm_mail=not settings.loopback,
            check_members=check_members,
        )  # fmt: skip

    def _importing(self, vault: Vault, office: Office, allowances: Allowances) -> Importing:
        guard = Guard(_preferences(self.settings).allowed)
        means = ImportMeans(self.node, self.directory, office, allowances, vault, guard, self.clock)
        folder = Path(self.settings.data) / "imports"
        return Importing(means, Kept(self.storage.documents, folder))

    def _means(
        self, vault: Vault, mailer: Mailer, mails: MailQueue, desk: Desk, archive: Archive
    ) -> Means:
        def warnings() -> list[str]:
            return [*self.storage.warnings(), *archive.warnings()]

        return Means(
            self.node, self.directory, self.storage.documents, self.clock, self.address, vault,
            mailer, mails.put, _preferences(self.settings), self.spread, warnings,
            desk.proven_addresses,
        )  # fmt: skip


def _shelf(settings: Settings) -> Shelf | None:
    """Where archives go, if the operator wants any."""
    if settings.archive_dir is None:
        return None
    return Shelf(Path(settings.archive_dir), settings.archive_every, settings.archive_keep)


def _mailer(settings: Settings, address: str) -> Mailer:
    """How mails leave."""
    sender = settings.mail_from or default_sender(urlsplit(address).hostname)
    if settings.smtp_url is None:
        return OutboxMailer(Path(settings.data) / "outbox", sender)
    return SmtpMailer(SmtpServer.of(settings.smtp_url), sender)


def _vault(settings: Settings) -> Vault:
    try:
        return open_vault(settings.master_key, Path(settings.data))
    except VaultFault as fault:
        raise SettingsError(f"master_key: {fault}") from fault


def _preferences(settings: Settings) -> Preferences:
    """How the operator wants messages to leave."""
    return Preferences(
        tuple(map(read_network, settings.webhook_allow)), settings.apprise, settings.heartbeat_url,
        settings.operator_alerts,
    )  # fmt: skip


def _billing(settings: Settings) -> Billing | None:
    if settings.stripe_key is None or settings.stripe_webhook_secret is None:
        return None
    # Most of a second, which few need to wait for.
    from api.plans.stripe_billing import StripeBilling

    return StripeBilling(settings.stripe_key, settings.stripe_webhook_secret, settings.plans)


async def _when_ready(
    node: Node, directory: Directory, documents: Documents, clock: Clock, opened: trio.Event
) -> None:
    """Names can be registered once every log is applied: until then one may yet turn up."""
    await node.wait_ready()
    directory.open(node.submit)
    opened.set()
    await keep_up(node, directory, documents, clock)
