"""The server: the tree of everything that runs, from the store outward.

Law: the indentation is the order of stopping. The node owns the web server, so whatever fails in
the engine ends the process. Stopping is closing the inlet: live streams say goodbye, requests in
work end, what was taken is committed, the store closes.
"""

import gc
import signal
import ssl
from contextlib import ExitStack
from functools import partial
from socket import socket
from typing import Final

import trio

from api.assembly import open_context
from api.express.lane import ExpressLane
from api.greeting import Say
from api.heap import keep_freed_memory
from api.http.app import create_app, express_handlers, routes_by_characters
from api.http.context import Context
from api.http.plain import PlainPoints
from api.http.server import listen, serve_http
from api.settings import Settings, SettingsError
from api.slow_steps import watched_steps

ANYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # nosec B104


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
            lane = ExpressLane(
                express_handlers(context), context.room, context.meters, routes_by_characters(),
                PlainPoints(context),
            )  # fmt: skip
            stop = partial(_stop, context, say)
            with watched_steps():
                await serve_http(app, sockets, stop, tls, lane)
    say("stopped; everything that was acknowledged is stored")


async def _stop(context: Context, say: Say) -> None:
    """Wait for a signal; then let live streams say goodbye."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            say(f"stopping ({signal.Signals(number).name})")
            break
    context.stop()


def _sockets(settings: Settings) -> list[socket]:
    sockets: list[socket] = []
    with ExitStack() as opened:
        for address, place in zip(settings.bind.split(","), settings.addresses, strict=True):
            sockets += (opened.enter_context(sock) for sock in _listening(address, *place))
        opened.pop_all()
    return sockets


def _listening(address: str, host: str, port: int) -> list[socket]:
    try:
        return listen(host, port)
    except OSError as error:
        raise SettingsError(
            f"bind: {address} cannot be had ({error.strerror or error}); stop what listens"
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
