"""`statflow query`: numbers, as a table for people or as JSON and CSV for programs."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import trio

from api.cli.client import Params, Target, open_client
from api.cli.drawing import plain, sparkline
from api.cli.errors import DONE, UsageError
from api.cli.options import server_arguments, server_of, zone_argument, zone_of

HELP: Final = """\
Ask for numbers:

  statflow query page.views                          the last 24 hours
  statflow query page.views --from -2h --resolution 5m
  statflow query checkout.latency --agg p50,p95,p99 --last 7d
  statflow query http.errors http.requests --expr 'a/b*100'
  statflow query 'http.*' --json
  statflow query --list                              the stats that there are

STAT is a name, an id, or a pattern with * and ?.
"""

SPARKS_MAX: Final = 60
"""Buckets in the little chart of a series."""


class Series(msgspec.Struct):
    """One series of an answer."""

    name: str
    points: list[dict[str, Any]]
    stat: dict[str, Any] = {}
    summary: dict[str, Any] = {}


class Answer(msgspec.Struct):
    """What a query is answered, as far as the table shows it."""

    resolution: str
    series: list[Series]
    complete_from: int | None = None


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    parser.add_argument("stats", nargs="*", metavar="STAT", help="name, id or pattern")
    parser.add_argument("--list", action="store_true", help="the stats that there are")
    range_arguments(parser)
    parser.add_argument("--group", metavar="HOW", help="one series of many: sum, avg, min, max, …")
    parser.add_argument("--expr", metavar="TEXT", help="arithmetic; a, b, … are the STATs in order")
    parser.add_argument(
        "--fill", metavar="HOW", help="what stands in gaps: null, zero, previous, …"
    )
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_const", const="json", dest="form", help="as JSON")
    forms.add_argument("--csv", action="store_const", const="csv", dest="form", help="as CSV")
    zone_argument(parser)
    server_arguments(parser)


def range_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that say when, how finely, and what of each bucket."""
    parser.add_argument("--from", dest="start", metavar="TIME", help="-2h, yesterday, 2026-03-29")
    parser.add_argument("--to", dest="end", metavar="TIME", help="now when left out")
    parser.add_argument("--last", metavar="SPAN", help="short for --from: 15m, 24h, 7d")
    parser.add_argument("--resolution", metavar="WIDTH", help="of a bucket: 10s, 5m, 1h, 1d, 1M")
    parser.add_argument(
        "--agg", metavar="NAMES", help="sum, count, avg, min, max, first, last, rate, p95, …"
    )


def range_of(options: argparse.Namespace) -> dict[str, str]:
    """What those flags say, as parameters of a question."""
    said = {
        "from": options.start,
        "to": options.end,
        "last": options.last,
        "resolution": options.resolution,
        "agg": options.agg,
        "tz": zone_of(options).key,
    }
    return {name: value for name, value in said.items() if value is not None}


def run(options: argparse.Namespace) -> int:
    """Print the answer."""
    if not options.stats and not options.list:
        raise UsageError("name a STAT, or --list them; see statflow query --help")
    target = server_of(options)
    if options.list:
        trio.run(list_stats, target, options.stats)
        return DONE
    params = params_of(options)
    body: bytes = trio.run(_asked, target, params)
    if options.form is not None:
        sys.stdout.buffer.write(body if body.endswith(b"\n") else body + b"\n")
        return DONE
    answer = msgspec.json.decode(body, type=Answer)
    show(answer, wanted_columns(options.agg))
    return DONE


def params_of(options: argparse.Namespace) -> Params:
    """The question of the command line."""
    params: dict[str, str | Sequence[str]] = {**range_of(options)}
    patterns = [word for word in options.stats if "*" in word or "?" in word]
    if patterns and options.expr and len(patterns) < len(options.stats):
        # Names come before patterns in the question, so that the letters would not be in order.
        raise UsageError("--expr: give either names or patterns, not both")
    params["stat"] = [word for word in options.stats if word not in patterns]
    params["match"] = patterns
    for name in ("group", "expr", "fill"):
        if getattr(options, name) is not None:
            params[name] = getattr(options, name)
    params["format"] = "csv" if options.form == "csv" else "json"
    params["time"] = "s" if options.form == "json" else "iso"
    return params


def wanted_columns(agg: str | None) -> list[str]:
    """The columns of the table besides time and value."""
    names = [name.strip() for name in (agg or "").split(",") if name.strip()]
    return names if len(names) > 1 else []


async def list_stats(target: Target, patterns: Sequence[str]) -> None:
    """Print the stats that there are, a line each: id, type, name."""
    async with open_client(target) as client:
        stats = await client.find(patterns) if patterns else await client.stats()
    width = max((len(stat.id) for stat in stats), default=0)
    for stat in stats:
        unit = f"  [{stat.unit}]" if stat.unit else ""
        print(f"{stat.id:{width}}  {stat.type:7}  {stat.name}{unit}")


def show(answer: Answer, columns: Sequence[str]) -> None:
    """Print a table for each series, with a little chart of its values."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for series in answer.series:
        unit = series.stat.get("unit")
        title = Text(f"{series.name}{f' [{unit}]' if unit else ''}, {answer.resolution}")
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        table.add_column("time", no_wrap=True)
        for name in columns or ["value"]:
            table.add_column(name, justify="right")
        for point in series.points:
            cells = [plain(point.get(name)) for name in columns or ["value"]]
            open_ = " …" if point.get("partial") else ""
            table.add_row(point["t"] + open_, *cells)
        console.print(table)
        newest = [point.get("value") for point in series.points][-SPARKS_MAX:]
        console.print(f"{sparkline(newest)}  {_summed(series.summary)}".rstrip(), highlight=False)
        console.print()
    if answer.complete_from is not None:
        console.print("the beginning is no longer kept whole at this resolution", style="dim")


def _summed(summary: dict[str, Any]) -> str:
    names = ("count", "sum", "avg", "min", "max")
    return "  ".join(f"{name} {plain(summary[name])}" for name in names if name in summary)


async def _asked(target: Target, params: Params) -> bytes:
    async with open_client(target) as client:
        return await client.get("/v1/query", params)
