"""`statflow tail`: stats as they move, a table for people, lines for programs.

Law: a connection that breaks is taken up again where it ended, by the cursor, until the user has
seen enough. Only what cannot get better ends the command.
"""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
import trio
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from api.cli.board import Board, Bucket, Told, width_of
from api.cli.client import TRANSIENT, Client, Refused, StatInfo, Unreached, lines_of, open_client
from api.cli.drawing import moment, plain, short, sparkline
from api.cli.errors import DONE, UsageError
from api.cli.options import server_arguments, server_of
from api.cli.sse import Event, EventReader
from api.clock import WallClock

HELP: Final = """\
Watch stats move:

  statflow tail page.views orders
  statflow tail 'http.*' --resolution 10s
  statflow tail orders --json | jq .value       lines instead of a table

STAT is a name, an id, or a pattern with * and ?. Ctrl-C ends it.
"""

STATS_MAX: Final = 500
"""Stats of one table; their ids must fit into one address."""

REDRAW_S: Final = 0.1
PAUSE_S: Final = 1.0
"""Before a connection is taken up again, if the server did not say another time."""

CHART_MIN: Final = 10

News = Callable[[StatInfo, Bucket], None]


class Enough(Exception):
    """As many lines were printed as were wanted."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    parser.add_argument("stats", nargs="+", metavar="STAT", help="name, id or pattern")
    parser.add_argument(
        "--resolution", default="1s", metavar="WIDTH", help="of a bucket: 1s, 10s, 1m, … (1s)"
    )
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--lines", action="store_true", help="TIME STAT VALUE instead of a table")
    forms.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.add_argument("-n", type=int, metavar="N", help="stop after N lines")
    server_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Watch until interrupted."""
    target = server_of(options)
    try:
        width_of(options.resolution)
    except ValueError as error:
        raise UsageError(f"--resolution: {error}; try 1s, 10s, 1m, 15m, 1h or 1d") from error
    table = sys.stdout.isatty() and not (options.lines or options.json or options.n)

    async def work() -> None:
        async with open_client(target) as client:
            stats = await client.find(options.stats)
            if len(stats) > STATS_MAX:
                raise UsageError(f"{len(stats)} stats; at most {STATS_MAX} can be watched at once")
            board = Board(stats, options.resolution)
            if table:
                await watch(client, board)
            else:
                printer = Printer(options.n, as_json=options.json)
                await Follower(client, board, printer.tell).run()

    with suppress(Enough):
        trio.run(work)
    return DONE


class Follower:
    """Keeps a board up to date; `tell` hears what is new, `state` says how the connection is."""

    def __init__(
        self, client: Client, board: Board, tell: News = lambda stat, bucket: None
    ) -> None:
        self.state = "connecting"
        self._client = client
        self._board = board
        self._tell = tell
        self._reader = EventReader()

    async def run(self) -> None:
        """Follow for ever; Unreached when that never began, Refused when it cannot go on."""
        while True:
            try:
                await self._follow()
            except Unreached:
                if self.state == "connecting":
                    raise
            except Refused as refused:
                if refused.status not in TRANSIENT:
                    raise
            self.state = "reconnecting"
            pause_ms = self._reader.retry_ms
            await trio.sleep(PAUSE_S if pause_ms is None else pause_ms / 1000)

    async def _follow(self) -> None:
        """One connection, until it ends."""
        ids = ",".join(row.stat.id for row in self._board.rows)
        params = {"stats": ids, "resolution": self._board.resolution}
        seen = self._reader.last_id
        headers = {"accept": "text/event-stream"} | ({"last-event-id": seen} if seen else {})
        # What a broken connection left half told is told again.
        self._reader = EventReader(last_id=seen, retry_ms=self._reader.retry_ms)
        async with self._client.stream("/v1/live", params, headers) as answer:
            self.state = "live"
            async for line in lines_of(answer):
                for event in self._reader.feed(line.decode(errors="replace").rstrip("\r\n")):
                    self._hear(event)

    def _hear(self, event: Event) -> None:
        if event.name not in {"snapshot", "change", "revise"}:
            return
        told = msgspec.json.decode(event.data, type=Told)
        for stat, bucket in self._board.hear(told):
            if event.name != "snapshot":
                self._tell(stat, bucket)


class Printer:
    """Prints what is new, a line each; Enough after `limit` of them."""

    def __init__(self, limit: int | None, *, as_json: bool) -> None:
        self._left = limit
        self._as_json = as_json

    def tell(self, stat: StatInfo, bucket: Bucket) -> None:
        """Print one bucket."""
        if self._as_json:
            said = {"t": bucket.t, "stat": stat.name, "id": stat.id, "value": bucket.value}
            print(json.dumps(said, ensure_ascii=False), flush=True)
        else:
            print(f"{moment(bucket.t * 1000)} {stat.name} {plain(bucket.value)}", flush=True)
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                raise Enough


async def watch(client: Client, board: Board) -> None:
    """Show the board in the terminal until the task is cancelled."""
    console = Console()
    follower = Follower(client, board)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follower.run)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                now_s = WallClock().now_ms() / 1000
                live.update(drawn(board, now_s, console.width, follower.state), refresh=True)
                await trio.sleep(REDRAW_S)


def drawn(board: Board, now_s: float, width: int, state: str) -> Table:
    """The board as a table that fits into `width` characters."""
    rows = list(board.rows)
    until_s = board.bucket(now_s)
    names = max([len("stat"), *(len(_label(row.stat)) for row in rows)])
    buckets = max(CHART_MIN, width - names - 2 * 9 - 6)
    title = Text(f"{moment(int(now_s * 1000))}  {state}, a bucket is {board.resolution}", "dim")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, expand=False)
    table.add_column("stat", no_wrap=True)
    table.add_column("newest", justify="right", min_width=8, no_wrap=True)
    table.add_column("", no_wrap=True, overflow="crop")
    table.add_column("mean", justify="right", min_width=8, no_wrap=True)
    for row in rows:
        # The open bucket is still growing: it would always look like a fall.
        series = row.series(until_s - board.width_s, board.width_s, buckets)
        known = [value for value in series if value is not None]
        newest = row.newest
        table.add_row(
            Text(_label(row.stat)),
            Text(short(newest[1] if newest else None), "bold"),
            Text(sparkline(series), "cyan"),
            Text(short(sum(known) / len(known) if known else None), "dim"),
        )
    return table


def _label(stat: StatInfo) -> str:
    return f"{stat.name} [{stat.unit}]" if stat.unit else stat.name
