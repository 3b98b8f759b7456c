"""`statflow demo`: a server with a past and traffic of its own, to look around in.

Law: the demo lives in a data directory of its own and never touches another store.
"""

import argparse
import logging
import socket
import time
from pathlib import Path
from typing import Final

import trio

from api.accounts.keys import SCOPES
from api.cli.client import Target, open_client
from api.cli.errors import DONE
from api.cli.options import settings_arguments, settings_of
from api.cli.serve import refusals
from api.cli.shop import DAY_S, HISTORY_S
from api.cli.traffic import Diary, Traffic, new_state
from api.clock import WallClock
from api.http.context import Context
from api.logs import log_to_stderr
from api.serve import serve
from api.settings import Settings
from storage.catalog import OWNER

HELP: Final = """\
Start a server with two weeks of a web shop's history, an incident among it, and live traffic that
goes on until Ctrl-C. It has a data directory of its own (the usual one's name with -demo); started
again, it goes on where it stopped.
"""

DIARY: Final = "demo.json"
SEED: Final = 1
DAYS: Final = HISTORY_S // DAY_S
FIRST_STAT: Final = "page.views"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="another shop")
    parser.add_argument(
        "--days", type=int, default=DAYS, choices=range(1, DAYS + 1), metavar="N",
        help=f"of history, 1 to {DAYS} ({DAYS})",
    )  # fmt: skip
    settings_arguments(parser, "bind", "data", "tls_cert", "tls_key")


def run(options: argparse.Namespace) -> int:
    """Serve and generate until a signal."""
    log_to_stderr(logging.WARNING)
    usual = settings_of(options)
    settings = demo_settings(usual, usual.bind if options.bind else None, options.data)
    with refusals():
        trio.run(demo, settings, options.seed, options.days)
    return DONE


def demo_settings(settings: Settings, bind: str | None, data: str | None) -> Settings:
    """The settings of the demo beside those of a server; `bind` and `data` as they were given."""
    return Settings(
        bind=bind or (settings.bind if _is_free(settings) else f"{settings.host}:0"),
        data=data or f"{settings.data.rstrip('/')}-demo",
        maxmemory=settings.maxmemory,
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
    )


async def demo(settings: Settings, seed: int, days: int = DAYS) -> None:
    """Serve and generate until SIGTERM or SIGINT."""
    quiet = True

    def say(text: str) -> None:
        if not quiet:
            print(text, flush=True)

    async with trio.open_nursery() as nursery:
        context: Context = await nursery.start(serve, settings, say)
        quiet = False
        async with trio.open_nursery() as working:
            working.start_soon(_generate, context, Path(settings.data), seed, days)
            await context.stopping.wait()
            working.cancel_scope.cancel()


async def diary_of(context: Context, data: Path, seed: int, days: int = DAYS) -> Diary:
    """What was noted by an earlier run, if it fits to what the store has; else a new beginning."""
    diary = Diary.read(data / DIARY)
    known = FIRST_STAT in context.directory.names(OWNER)
    now_s = WallClock().now_ms() // 1_000
    if diary is None or not (known or diary.state.filled_to <= diary.state.began):
        offset_s = time.localtime().tm_gmtoff
        diary = Diary(data / DIARY, new_state("", seed, now_s, offset_s, days * DAY_S))
        if known:  # Only the notes were lost: the past is there, and must not be told twice.
            diary.state.filled_to = now_s
    if await context.keyring.identify(diary.state.key) is None:
        made = await context.keyring.create(OWNER, "demo", SCOPES)
        diary.state.key = made.secret
    diary.write()
    return diary


def greeting(address: str, key: str) -> str:
    """What a newcomer can paste."""
    return f"""
StatFlow demo at {address}, a web shop's numbers

  STATFLOW_URL={address}
  STATFLOW_KEY={key}

Ask:

curl -H "Authorization: Bearer {key}" \\
  "{address}/v1/query?stat=orders&stat=orders.failed&last=14d&resolution=1d"

Watch it move:

STATFLOW_URL={address} STATFLOW_KEY={key} \\
  statflow tail page.views orders revenue checkout.latency http.error_rate queue.depth
"""


async def _generate(context: Context, data: Path, seed: int, days: int) -> None:
    """Tell the past, then the present, until cancelled."""
    # Only then are all stats known that an earlier run has made.
    await context.node.wait_ready()
    diary = await diary_of(context, data, seed, days)
    print(greeting(context.public_url, diary.state.key), flush=True)
    began_s = trio.current_time()
    async with open_client(Target(context.public_url, diary.state.key)) as client:
        traffic = Traffic(client, diary, context.clock)
        sent = await traffic.catch_up()
        took_s = trio.current_time() - began_s
        print(f"{sent} points of history in {took_s:.1f} s; now live, until Ctrl-C", flush=True)
        await traffic.name_units()
        await traffic.go_on()


def _is_free(settings: Settings) -> bool:
    """Whether the usual port can be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return False
    return True
