"""The server: the tree of everything that runs, from the store outward.

Law: the indentation is the order of stopping. The node owns the web server, so whatever fails in
the engine ends the process. Stopping is closing the inlet: live streams say goodbye, requests in
work end, what was taken is committed, the store closes.
"""

import gc
import logging
import signal
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from socket import socket
from typing import Final
from urllib.parse import urlsplit

import trio

from api.accounts.addresses import is_loopback, read_network
from api.accounts.desk import Desk
from api.accounts.hashing import Hasher
from api.accounts.keyring import Keyring
from api.accounts.letters import link
from api.accounts.new_key import NewKey
from api.accounts.owner import found_owner
from api.accounts.sessions import Sessions
from api.accounts.signing_up import ask_for_claim
from api.accounts.vault import Vault, VaultFault, open_vault
from api.clock import WallClock
from api.express.lane import ExpressLane
from api.heap import keep_freed_memory
from api.http.app import create_app, express_handlers
from api.http.context import Context
from api.http.cookies import WHY_REFUSED, Cookies, transport_of
from api.http.server import listen, serve_http
from api.http.upkeep import keep_up
from api.notify.cron import next_ms
from api.notify.mail import Mailer, OutboxMailer, SmtpMailer, SmtpServer, default_sender
from api.notify.mail_queue import MailQueue
from api.notify.office import Ear, Means, Preferences, office_of
from api.plans.allowances import Allowances
from api.plans.billing import Billing
from api.plans.meter import Meter
from api.plans.warning import Warnings
from api.settings import Settings, SettingsError
from api.slow_steps import watched_steps
from engine.node import EngineSettings, Node, open_node
from engine.ports import Clock, Store
from storage.catalog import Catalog
from storage.directory import Directory
from storage.documents import Documents
from storage.link import Link
from storage.opening import open_store
from storage.redis_catalog import RedisCatalog
from storage.redis_documents import RedisDocuments
from storage.server import Server, ServerSettings, open_server
from storage.server.probe import Loading

log = logging.getLogger("statflow.serve")

Say = Callable[[str], None]

CATALOG_ANSWER_S: Final = 1.5
"""An unknown API key waits so long for a store that does not answer, in seconds."""

ANYWHERE: Final = frozenset({"", "0.0.0.0", "::"})


def say(text: str) -> None:
    """Print a line for the operator at once, also into a pipe."""
    print(text, flush=True)


async def serve(
    settings: Settings,
    say: Say = say,
    *,
    task_status: trio.TaskStatus[Context] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a server until SIGTERM or SIGINT; `say` gets the lines that an operator should see.

    Raises what keeps it from starting, each with a text that says what to do, and whatever failed
    in the engine: then the process must end with a code that is not zero.
    """
    keep_freed_memory()
    tls = _tls(settings)
    with ExitStack() as opened:
        sockets = [opened.enter_context(sock) for sock in _sockets(settings)]
        address = settings.public_url or _address(settings, sockets, secure=tls is not None)
        async with open_context(settings, address.rstrip("/"), say) as context:
            # What the start has made stays: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            app = create_app(context)
            task_status.started(context)
            lane = ExpressLane(express_handlers(context), context.room, context.meters)
            stop = partial(_stop, context, say)
            with watched_steps():
                await serve_http(app, sockets, stop, tls, lane)
    say("stopped; everything that was acknowledged is stored")


@asynccontextmanager
async def open_context(settings: Settings, address: str, say: Say) -> AsyncGenerator[Context]:
    """All that a server works with but the web server; at the end what was taken is committed."""
    async with open_storage(settings, say) as (store, catalog, documents, server):
        clock = WallClock()
        spreads = {account.id: account.spread for account in await catalog.accounts()}
        ear, vault = Ear(), _vault(settings)

        def spread(account: int) -> int:
            return spreads.get(account, 1)

        directory = Directory(store, clock, spread)
        await directory.load()
        engine = EngineSettings(settings.seconds_memory)
        keyring = Keyring(catalog, clock)
        async with (
            open_node(
                store,
                clock,
                engine,
                directory.apply,
                directory.without_percentiles,
                directory.accounts,
                next_ms,
                ear.judged,
            ) as node,
            trio.open_nursery() as nursery,
        ):
            await nursery.start(keyring.run)
            meter = Meter(store, directory)
            allowances = Allowances(documents, meter, clock, settings.plans, settings.default_plan)
            await nursery.start(allowances.run)
            mailer = mailer_of(settings, address)
            mails = MailQueue(mailer)
            desk = desk_of(settings, address, documents, catalog, clock, vault, mails)
            desk.check_members = partial(_check_members, allowances)
            await nursery.start(desk.sessions.run)
            nursery.start_soon(mails.run)
            warnings = Warnings(allowances, documents, clock, desk.owners, mails.put, address)
            nursery.start_soon(warnings.run)
            cookies = Cookies(transport_of(settings.host, address, tls=bool(settings.tls_cert)))
            opened = trio.Event()
            nursery.start_soon(_when_ready, node, directory, documents, clock, opened)
            means = Means(
                node, directory, documents, clock, address, vault, mailer, mails.put,
                _preferences(settings), spread, partial(_warnings, server),
            )  # fmt: skip
            office = ear.office = office_of(means)
            nursery.start_soon(office.run, partial(_account_ids, catalog))
            secret = await found_owner(catalog, clock)
            if secret is not None:
                await opened.wait()  # Whoever pastes the printed command at once is answered.
            if cookies.transport == "refused":
                say(WHY_REFUSED)
            _greet(say, address, secret, await _claim_link(desk, secret, cookies))
            try:
                context = Context(
                    node, directory, keyring, documents, desk, office, clock, address, allowances,
                    office.watchman.warnings, cookies,
                    tuple(map(read_network, settings.trusted_proxies)),
                )  # fmt: skip
                context.billing = _billing(settings)
                yield context
            finally:
                nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_storage(
    settings: Settings, say: Say
) -> AsyncGenerator[tuple[Store, Catalog, Documents, Server]]:
    """What is kept on the server that the settings name, and the server."""
    wanted = ServerSettings(
        Path(settings.data), settings.redis_url, settings.durability, settings.maxmemory
    )
    async with open_server(wanted, partial(_loading, say)) as server:
        if not server.durable:
            say("durability is relaxed: a crash may lose about a second of acknowledged points")
        async with open_store(
            server.url,
            settings.partitions,
            durable=server.durable,
            # Whoever holds the directory holds the store: an earlier holder is dead.
            seize=settings.redis_url is None,
            disk_free=server.disk_free,
        ) as store:
            with closing(Link(server.url, answer_limit_s=CATALOG_ANSWER_S)) as link:
                yield store, RedisCatalog(link), RedisDocuments(link), server


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


async def _stop(context: Context, say: Say) -> None:
    """Wait for a signal; then let live streams say goodbye."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            say(f"stopping ({signal.Signals(number).name})")
            break
    context.stop()


def desk_of(
    settings: Settings,
    address: str,
    documents: Documents,
    catalog: Catalog,
    clock: Clock,
    vault: Vault,
    mails: MailQueue,
) -> Desk:
    """Accounts as the settings want them."""
    return Desk(
        documents, catalog, clock, Sessions(documents, clock), Hasher(), vault, mails.put,
        address, settings.sign_up_rule, confirm_mail=not is_loopback(settings.host),
    )  # fmt: skip


def mailer_of(settings: Settings, address: str) -> Mailer:
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


def _check_members(allowances: Allowances, account: int, amount: int) -> None:
    allowances.of(account).check("members", amount)


async def _claim_link(desk: Desk, made: NewKey | None, cookies: Cookies) -> str | None:
    """What lets whoever reads the first lines claim the owner's account."""
    if made is None or cookies.transport == "refused":
        return None
    return link(desk.public_url, "claim", await ask_for_claim(desk.documents, desk.now_ms))


def first_lines(address: str, key: str, claim: str | None = None) -> str:
    """What the first start prints: a key and a command that works when it is pasted."""
    owner = "" if claim is None else f"\nMake the owner's log-in, within a week:\n\n  {claim}\n"
    return f"""{owner}
Your API key, shown this once; keep it:

  {key}

Send a first point:

curl -X POST {address}/v1/ingest \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"stat":"my_first_metric","value":1,"type":"counter"}}'
"""


def _preferences(settings: Settings) -> Preferences:
    """How the operator wants messages to leave."""
    return Preferences(
        tuple(map(read_network, settings.webhook_allow)), settings.apprise, settings.heartbeat_url,
        settings.operator_alerts,
    )  # fmt: skip


async def _account_ids(catalog: Catalog) -> list[int]:
    return [account.id for account in await catalog.accounts()]


def _greet(say: Say, address: str, made: NewKey | None, claim: str | None) -> None:
    say(f"StatFlow serves {address}")
    if made is None:
        say("Make an API key with: statflow key create")
    else:
        say(first_lines(address, made.secret, claim))


def _warnings(server: Server) -> list[str]:
    """What an operator should know about the store server."""
    now = server.statistics()
    warnings = []
    if now.loading is not None:
        warnings.append(f"the store server reads its data: {now.loading.fraction:.0%}")
    elif not now.ready:
        warnings.append(f"the store server is down: {now.last_end or 'it does not answer'}")
    if not now.durable:
        warnings.append("durability is relaxed: a crash may lose about a second of points")
    return warnings


def _loading(say: Say, loading: Loading) -> None:
    say(f"the store server reads its data: {loading.fraction:.0%}, about {loading.eta_s} s to go")


def _sockets(settings: Settings) -> list[socket]:
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise SettingsError(
            f"bind: {settings.bind} cannot be had ({error.strerror or error}); stop what listens"
            " there, or choose another: STATFLOW_BIND=127.0.0.1:8081"
        ) from error


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.set_alpn_protocols(["h2", "http/1.1"])
    try:
        tls.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"tls_cert, tls_key: {error}") from error
    return tls


def _address(settings: Settings, sockets: list[socket], *, secure: bool) -> str:
    """How clients on this machine reach the server."""
    host = "127.0.0.1" if settings.host in ANYWHERE else settings.host
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{host}:{sockets[0].getsockname()[1]}"
