"""The Lua scripts of `storage/lua`: called by their digest, loaded again when forgotten."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import redis

from engine.ports import Damaged, Fenced, StoreError
from storage.link import translated

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


def run_scripts(client: redis.Redis, calls: Sequence[Call]) -> list[Reply]:
    """Run scripts in one pipeline; each reply is a value or an exception of redis-py.

    A script that the server has forgotten was surely not run: it is loaded and sent again.
    """
    replies = _send(client, calls)
    missing = [n for n, r in enumerate(replies) if isinstance(r, redis.exceptions.NoScriptError)]
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


def told(error: Exception) -> StoreError:
    """The engine's name for an error that a script answered with."""
    text = str(error)
    if "FENCED" in text:
        return Fenced(f"another process owns the partition now ({text})")
    known = translated(error)
    return known if known is not None else Damaged(f"the store answered {text!r}")


def _send(client: redis.Redis, calls: Sequence[Call]) -> list[Reply]:
    with client.pipeline(transaction=False) as pipeline:
        for name, keys, arguments in calls:
            pipeline.evalsha(_DIGESTS[name], len(keys), *keys, *arguments)
        replies: list[Reply] = pipeline.execute(raise_on_error=False)
        return replies
