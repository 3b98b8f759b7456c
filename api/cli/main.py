"""`statflow`: finds the command, and turns whatever goes wrong into one line.

Law: only the command that was asked for is imported, so that `statflow send` in a loop does not pay
for the server.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Final, NoReturn

from api.cli.errors import FAILED, USAGE, CommandError, only

INTERRUPTED: Final = 130
"""What shells expect of a program that ended by Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command; its module has `HELP`, `arguments(parser)` and `run(options) -> exit code`."""

    name: str
    module: str
    summary: str


COMMANDS: Final = (
    Command("serve", "api.cli.serve", "start the server"),
    Command("demo", "api.cli.demo", "start it with two weeks of a web shop's history and traffic"),
    Command("key", "api.cli.key", "make, list and revoke API keys"),
    Command("account", "api.cli.account", "make and list accounts"),
    Command("send", "api.cli.send", "send points, one or a stream of lines"),
    Command("tail", "api.cli.tail", "watch stats move"),
    Command("query", "api.cli.query", "ask for numbers"),
    Command("export", "api.cli.export", "write stats into a CSV file, or a whole account"),
    Command("import", "api.cli.importing", "bring in what StatHat counted, or our own files"),
    Command("backup", "api.cli.backup", "copy the data directory, also while the server runs"),
    Command("restore", "api.cli.restore", "make a data directory from a backup"),
    Command("doctor", "api.cli.doctor", "look for what is wrong or will be"),
    Command("audit", "api.cli.audit", "recount every point"),
)

ENVIRONMENT: Final = """\
environment:
  STATFLOW_URL      the server that send, tail, query, export and import talk to
  STATFLOW_KEY      their API key
  STATFLOW_BIND     where the server listens, HOST:PORT
  STATFLOW_DATA     its data directory

`statflow COMMAND --help` tells the rest. Exit codes: 0 done, 1 failed or found a fault, 2 misused.
"""


_AGO: Final = re.compile(r"-[0-9.]")


class Parser(argparse.ArgumentParser):
    """argparse with one line for an error, like every other error of this program."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    words = sys.argv[1:] if words is None else words
    try:
        options = parsed(words)
        run: Callable[[argparse.Namespace], int] = options.run
        code = run(options)
        sys.stdout.flush()
        return code
    except CommandError as error:
        print(f"statflow: {error}", file=sys.stderr)
        return error.code
    except BaseExceptionGroup as group:
        return _report(group)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python must not complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The command line, understood; `run` is what to call with it. SystemExit if it cannot be."""
    parser = Parser(
        prog="statflow",
        description="StatFlow counts what happens and says so at once.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"statflow {version('statflow')}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser
    )
    chosen = next((word for word in words if not word.startswith("-")), None)
    for command in COMMANDS:
        if command.name != chosen:
            commands.add_parser(command.name, help=command.summary)
            continue
        module = import_module(command.module)
        told = commands.add_parser(
            command.name,
            help=command.summary,
            description=module.HELP,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(told)
        told.set_defaults(run=module.run)
    return parser.parse_args(_joined(words))


def _joined(words: Sequence[str]) -> list[str]:
    """`--from -2h` as `--from=-2h`: argparse takes what begins with a dash for an option."""
    joined: list[str] = []
    for word in words:
        if joined and _AGO.match(word) and joined[-1].startswith("--") and "=" not in joined[-1]:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _report(group: BaseExceptionGroup[BaseException]) -> int:
    """The one error that a nursery bundled: Ctrl-C, or ours; anything else is a bug."""
    error = only(group, CommandError, KeyboardInterrupt)
    if error is None:
        raise group
    if not isinstance(error, CommandError):
        return INTERRUPTED
    print(f"statflow: {error}", file=sys.stderr)
    return error.code


if __name__ == "__main__":
    sys.exit(main())
