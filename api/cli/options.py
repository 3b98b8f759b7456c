"""Options that several commands share, and the settings or the server that they name."""

import argparse
import os
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from api.cli.client import Target, target_of
from api.cli.errors import UsageError
from api.query.errors import QueryError
from api.query.times import parse_zone
from api.settings import SETTINGS, Settings, SettingsError, load_settings

STORE: Final = ("data", "redis_url")
"""What commands need that work on the store."""


def settings_arguments(parser: argparse.ArgumentParser, *names: str) -> None:
    """Flags for these settings, each beating environment and file."""
    group = parser.add_argument_group("settings")
    group.add_argument("--config", metavar="FILE", help="settings file instead of ./statflow.toml")
    for name in names:
        setting = SETTINGS[name]
        text = f"{setting.meaning} ({setting.default or setting.reading.allowed})"
        group.add_argument(
            setting.flag, dest=name, metavar=setting.metavar, help=text.replace("%", "%%"),
            action="append" if name == "bind" else "store",
        )  # fmt: skip


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that the flags, the environment and the file give; UsageError when wrong."""
    given = {
        name: value for name in SETTINGS if (value := getattr(options, name, None)) is not None
    }
    named = getattr(options, "config", None) or os.environ.get("STATFLOW_CONFIG")
    try:
        return load_settings(os.environ, given, Path(named) if named else None)
    except SettingsError as error:
        raise UsageError(str(error)) from error


def server_arguments(parser: argparse.ArgumentParser) -> None:
    """The flag for another server than STATFLOW_URL."""
    parser.add_argument(
        "--server", metavar="URL", help="the server to talk to (STATFLOW_URL, else the local one)"
    )


def server_of(options: argparse.Namespace) -> Target:
    """The server that is meant, with the key; UsageError when there is no key."""
    return target_of(options.server, local_url(settings_of(options)))


def local_url(settings: Settings) -> str:
    """How this machine reaches the server of these settings."""
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    # Whoever listens everywhere is found here.
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104
    host = here.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.tls_cert else 'http'}://{shown}:{settings.port}"


def zone_argument(parser: argparse.ArgumentParser) -> None:
    """The flag for the zone of days and of times that do not say theirs."""
    parser.add_argument(
        "--tz", default="UTC", metavar="ZONE", help="time zone, such as Europe/Paris (UTC)"
    )


def zone_of(options: argparse.Namespace) -> ZoneInfo:
    """The zone that is meant; UsageError when there is none of that name."""
    try:
        return parse_zone(options.tz, "--tz")
    except QueryError as error:
        raise UsageError(str(error)) from error
