"""`statflow serve`: run the server until it is told to stop."""

import argparse
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import trio

from api.cli.errors import DONE, CommandError, only
from api.cli.options import settings_arguments, settings_of
from api.logs import log_to_stderr
from api.serve import serve
from api.settings import SETTINGS, SettingsError
from engine.ports import StoreError
from storage.server import ServerError

HELP: Final = """\
Start the server. The first start on an empty directory prints an API key and a command to try it.

Every flag is also a setting in statflow.toml (`bind = "0.0.0.0:8080"`) and in the environment
(STATFLOW_BIND); flags beat the environment, which beats the file.

SIGTERM and Ctrl-C stop it cleanly; nothing that was acknowledged is lost by kill -9 either.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said on the command line."""
    settings_arguments(parser, *SETTINGS)
    parser.add_argument("-v", "--verbose", action="store_true", help="log what it does")


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    settings = settings_of(options)
    log_to_stderr(logging.INFO if options.verbose else logging.WARNING, settings.log_format)
    with refusals():
        trio.run(serve, settings)
    return DONE


@contextmanager
def refusals() -> Generator[None]:
    """Whatever keeps a server from running becomes one line; a fault of the engine stays one."""
    kinds = (SettingsError, ServerError, StoreError)
    try:
        yield
    except kinds as error:
        raise CommandError(str(error)) from error
    except BaseExceptionGroup as group:
        cause = only(group, *kinds)
        if cause is None:
            raise
        raise CommandError(str(cause)) from group
