"""`statflow send`: one point, or a stream of lines in batches.

Law: what the command says it sent is stored for good. Lines leave in batches, each under one key
until it is answered; a batch leaves when it is full or its oldest line has waited a second, so that
a slow pipe is live as well.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import trio

from api.cli.client import Client, Rejected, open_client
from api.cli.errors import DONE, FAILED, CommandError, UsageError
from api.cli.options import server_arguments, server_of, zone_argument, zone_of
from api.cli.points import ITEMS_MAX, Item, Writing
from api.clock import WallClock

HELP: Final = """\
Send points. With STAT one point; without, one line of stdin each:

  statflow send page.views                one more
  statflow send orders 3                  three more
  statflow send latency 12.5 --value      a measured value
  statflow send backup.size 81e9 --value --at yesterday
  tail -F events.log | statflow send      lines: STAT, STAT VALUE, STAT VALUE TIME or JSON

A stat is a counter or a value from its first point on.
"""

LINGER_S: Final = 1.0
"""A line waits at most this long for others to travel with."""

READ_BYTES: Final = 64 * 1024
LINE_BYTES_MAX: Final = 64 * 1024
"""A longer line is no point."""

SHOWN_MAX: Final = 20
"""Refused lines that are named; the rest is counted."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    parser.add_argument("stat", nargs="?", metavar="STAT", help="name; without it, read stdin")
    parser.add_argument("number", nargs="?", metavar="VALUE", help="1 when left out")
    kinds = parser.add_mutually_exclusive_group()
    for kind, text in (("counter", "points are added up"), ("value", "points are measured")):
        kinds.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind, help=text)
    parser.add_argument("--at", metavar="TIME", help="when it was: -5m, 2026-03-29T01:02:00Z, …")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing when all is well")
    zone_argument(parser)
    server_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Send; 1 when anything was refused."""
    writing = Writing(options.kind, zone_of(options))
    target = server_of(options)

    async def work() -> Tally:
        async with open_client(target) as client:
            tally = Tally(client)
            if options.stat is None:
                await send_lines(client, tally, writing)
            else:
                now_ms = WallClock().now_ms()
                point = writing.item(options.stat, options.number, options.at, "VALUE", now_ms)
                await tally.send([point], ["the point"])
            return tally

    if options.stat is None and (options.at or sys.stdin.isatty()):
        what = "--at goes with STAT" if options.at else "name a STAT, or pipe lines in"
        raise UsageError(f"{what}; see statflow send --help")
    tally = trio.run(work)
    tally.report(quiet=options.quiet)
    return FAILED if tally.refused else DONE


@dataclass(slots=True)
class Tally:
    """Sends, and counts what became of it."""

    client: Client
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0

    async def send(self, items: Sequence[Item], places: Sequence[str]) -> None:
        """Send a batch; `places` says for each item where it came from."""
        sent = await self.client.send(items)
        self.accepted += sent.accepted
        self.duplicates += sent.duplicates
        for item in sent.rejected:
            self.refuse(_reason(places[item.index], item))

    def refuse(self, text: str) -> None:
        """Count, and name, something that was not sent."""
        self.refused += 1
        if self.refused <= SHOWN_MAX:
            print(f"statflow: {text}", file=sys.stderr)

    def report(self, *, quiet: bool) -> None:
        """The sum of it, on stderr."""
        parts = [f"{self.accepted} stored"]
        parts += [f"{self.duplicates} known before"] if self.duplicates else []
        parts += [f"{self.refused} refused"] if self.refused else []
        if self.refused or not quiet:
            print(", ".join(parts), file=sys.stderr)


@dataclass(slots=True)
class Lines:
    """Bytes in, lines out, each with its number."""

    number: int = 0
    _rest: bytes = b""

    def feed(self, data: bytes) -> list[tuple[int, str]]:
        """The lines that these bytes complete; no bytes are the end."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if (not data or len(self._rest) > LINE_BYTES_MAX) and self._rest:
            whole.append(self._rest[:LINE_BYTES_MAX])
            self._rest = b""
        first = self.number + 1
        self.number += len(whole)
        return [(first + place, line.decode(errors="replace")) for place, line in enumerate(whole)]


async def send_lines(
    client: Client, tally: Tally, writing: Writing, descriptor: int | None = None
) -> None:
    """Send every line of a file, stdin if none is given, until it ends."""
    source = sys.stdin.fileno() if descriptor is None else descriptor
    give, take = trio.open_memory_channel[tuple[int, str]](ITEMS_MAX)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read, source, give)
        while lines := await _collected(take):
            items, places = [], []
            for number, line in lines:
                where = f"line {number}"
                try:
                    item = writing.item_of(line, where, WallClock().now_ms())
                except CommandError as error:
                    tally.refuse(str(error))
                    continue
                if item is not None:
                    items.append(item)
                    places.append(where)
            if items:
                await tally.send(items, places)


async def _collected(take: trio.MemoryReceiveChannel[tuple[int, str]]) -> list[tuple[int, str]]:
    """Lines for one batch: all that come while the first waits; none at the end."""
    lines: list[tuple[int, str]] = []
    try:
        lines.append(await take.receive())
        with trio.move_on_after(LINGER_S):
            while len(lines) < ITEMS_MAX:
                lines.append(await take.receive())
    except trio.EndOfChannel:
        pass
    return lines


async def _read(source: int, give: trio.MemorySendChannel[tuple[int, str]]) -> None:
    lines = Lines()
    with give:
        while True:
            # Nothing is lost when it is abandoned: only Ctrl-C and failures do that.
            data = await trio.to_thread.run_sync(
                os.read, source, READ_BYTES, abandon_on_cancel=True
            )
            for line in lines.feed(data):
                await give.send(line)
            if not data:
                return


def _reason(place: str, item: Rejected) -> str:
    return f"{place}: {item.message.rstrip('.')} ({item.code})"
