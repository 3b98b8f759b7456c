"""What the store server must be told so that it keeps what it acknowledged. Pure.

One table serves three readers: the command line of the embedded server, the check of a server that
is adopted after a crash of the program, and the boot check of a server that others run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Durability = Literal["strict", "relaxed"]

OLDEST_VERSION = (6, 2)
"""Older servers lack commands that the scripts use."""

START_LIMIT_S = 30.0
"""How long a server may say nothing, or load without moving, before its start has failed."""

STOP_LIMIT_S = 10.0
"""For a clean stop; then the server is killed, which loses nothing that it acknowledged."""

# Scripts over the server's memory limit must be refused, never answered by dropping keys; and the
# log must be on disk before the reply, also while the append-only file is being rewritten.
_KEPT = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}

# What an operator gives up who asks for relaxed durability.
_RELAXABLE = frozenset({"appendonly", "appendfsync"})

USER: Final = "statflow"
"""Who the program is to the embedded server; whoever watches over it is the default user."""

# What a wrong or foreign command could destroy or change is not for this user: FLUSHALL, CONFIG,
# KEYS, RESTORE, DEBUG, SHUTDOWN. Of scripts it may run those that it has loaded by their digest.
USER_RULES: Final = (
    "on", "nopass", "resetkeys", "~{*", "resetchannels", "-@all",
    "+@read", "+@write", "+@transaction", "+@connection", "-@dangerous", "-@admin",
    "+evalsha", "+script|load", "+info",
)  # fmt: skip


class ServerError(Exception):
    """The store server cannot be used; the text is for the operator and says what to do."""


class WrongServerSettings(ServerError):
    """An external server would lose what it acknowledged; `lines` has one remedy per setting."""

    def __init__(self, where: str, lines: list[str]) -> None:
        self.lines = lines
        listed = "".join(f"\n  {line}" for line in lines)
        super().__init__(f"the store server at {where} is not fit for use:{listed}")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Which server to use and how; without `url` one is started under the directory `data`.

    `binary` names the program of the embedded server instead of a search. `extra` are options of
    the embedded server beyond ours or in their place.
    """

    data: Path
    url: str | None = None
    durability: Durability = "strict"
    maxmemory_bytes: int | None = None
    binary: Path | None = None
    start_limit_s: float = START_LIMIT_S
    stop_limit_s: float = STOP_LIMIT_S
    extra: Mapping[str, str] = field(default_factory=dict)


def embedded_options(settings: ServerSettings, maxmemory_bytes: int) -> dict[str, str]:
    """The options of the embedded server that it could also be told while it runs."""
    return {
        **_KEPT,
        "appendfsync": "always" if settings.durability == "strict" else "everysec",
        # A write that a crash cut in half was never acknowledged: the server drops it and goes on.
        "aof-load-truncated": "yes",
        "maxmemory": str(maxmemory_bytes),
        "save": "",
        # Loads in 1.5 s; a smaller file would be rewritten again and again.
        "auto-aof-rewrite-min-size": str(512 * 1024 * 1024),
        "auto-aof-rewrite-percentage": "100",
        "latency-monitor-threshold": "50",
        **settings.extra,
    }


def is_durable(options: Mapping[str, str]) -> bool:
    """Whether a server with these options has on disk whatever it acknowledged."""
    return all(options.get(name) == value for name, value in _KEPT.items())


CHECKED = tuple(_KEPT)
"""The settings of an external server that `wrong_settings` wants to see."""


def wrong_settings(actual: Mapping[str, str], durability: Durability) -> list[str]:
    """One line for each setting of an external server that must change, with the command."""
    lines = []
    for name, wanted in _KEPT.items():
        if durability == "relaxed" and name in _RELAXABLE:
            continue
        found = actual.get(name)
        if found != wanted:
            is_now = "not known" if found is None else found
            lines.append(f"{name} is {is_now}, must be {wanted}: CONFIG SET {name} {wanted}")
    if lines:
        lines.append("then CONFIG REWRITE, so that a restart of the server keeps it")
    return lines


def wrong_version(version: str) -> list[str]:
    """One line when the server is too old for the scripts; `version` is its Redis level."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers >= OLDEST_VERSION:
        return []
    wanted = ".".join(map(str, OLDEST_VERSION))
    return [f"its version is {version or 'not known'}, must be {wanted} or newer: update it"]
