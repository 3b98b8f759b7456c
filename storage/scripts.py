"""The Lua scripts of `storage/lua`: called by their digest, loaded again when forgotten."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import redis

from engine.ports import Damaged, Fenced, StoreError
from storage.link import Link, translated

Argument = str | bytes | int
Reply: TypeAlias = Any  # What redis-py makes of a reply: it does not know our scripts.
Call = tuple[str, Sequence[str], Sequence[Argument]]
"""Name of a script, its keys, its arguments."""

_SOURCES: Final = {
    path.stem: path.read_text() for path in sorted((Path(__file__).parent / "lua").glob("*.lua"))
}
_DIGESTS: Final = {
    name: hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    for name, source in _SOURCES.items()
}


def evalsha(call: Call) -> tuple[Argument, ...]:
    """The command that runs a script which the server knows."""
    name, keys, arguments = call
    return "EVALSHA", _DIGESTS[name], len(keys), *keys, *arguments


def script_load(name: str) -> tuple[Argument, ...]:
    """The command that makes a script known."""
    return "SCRIPT", "LOAD", _SOURCES[name]


def forgotten(replies: Sequence[Reply]) -> list[int]:
    """Which calls were not run because the server does not know their scripts any more."""
    return [n for n, r in enumerate(replies) if isinstance(r, redis.exceptions.NoScriptError)]


def run_scripts(client: redis.Redis, calls: Sequence[Call]) -> list[Reply]:
    """Run scripts in one pipeline; each reply is a value or an exception of redis-py.

    A script that the server has forgotten was surely not run: it is loaded and sent again.
    """
    replies = _send(client, calls)
    missing = forgotten(replies)
    if missing:
        for name in {calls[number][0] for number in missing}:
            client.script_load(_SOURCES[name])
        for number, reply in zip(missing, _send(client, [calls[n] for n in missing]), strict=True):
            replies[number] = reply
    return replies


def run_script(client: redis.Redis, call: Call) -> Reply:
    """Run one script and return its reply; raises what it answers with."""
    (reply,) = run_scripts(client, [call])
    if isinstance(reply, Exception):
        raise reply
    return reply


class Threaded:
    """Runs scripts over a link, in its threads."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def __repr__(self) -> str:
        return f"<Threaded over {self._link!r}>"

    async def run_scripts(self, calls: Sequence[Call]) -> list[Reply]:
        """Run scripts in one pipeline; raises Unavailable or Refused when that failed."""
        return await self._link.run(lambda client: run_scripts(client, calls))

    def close(self) -> None:
        """Close the link."""
        self._link.close()


def told(error: Exception) -> StoreError:
    """The engine's name for an error that a script answered with, or that came instead."""
    if isinstance(error, StoreError):
        return error
    text = str(error)
    if "FENCED" in text:
        return Fenced(f"another process owns the partition now ({text})")
    known = translated(error)
    return known if known is not None else Damaged(f"the store answered {text!r}")


def _send(client: redis.Redis, calls: Sequence[Call]) -> list[Reply]:
    with client.pipeline(transaction=False) as pipeline:
        for call in calls:
            pipeline.execute_command(*evalsha(call))  # type: ignore[no-untyped-call]
        replies: list[Reply] = pipeline.execute(raise_on_error=False)
        return replies
