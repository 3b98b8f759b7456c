"""What a store server says about itself: one short question on a connection of its own.

Everything here blocks, for `QUESTION_LIMIT_S` at most: call it in a thread. The client's errors
end here; callers see answers, and `NotAllowed` where asking again cannot help.
"""

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

from storage.server.settings import ServerError

QUESTION_LIMIT_S = 1.0
"""Time for one reply."""

_SECRET = re.compile(r"(?<=//)[^/]*@")


class NotAllowed(ServerError):
    """The server refuses our user the log-in or a command."""


class NoAnswer(ServerError):
    """The server cannot be reached, or says nothing in time."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A server that is ready. `level` is the Redis version whose commands it has."""

    version: str
    level: str
    run_id: str
    pid: int
    memory_limit: int
    is_replica: bool


@dataclass(frozen=True, slots=True)
class Loading:
    """A server that reads its data: bytes so far, of how many, and its own guess of the rest."""

    loaded_bytes: int
    total_bytes: int
    eta_s: int

    @property
    def fraction(self) -> float:
        """How much of it is read, 0 to 1."""
        return min(1.0, self.loaded_bytes / max(1, self.total_bytes))


@dataclass(frozen=True, slots=True)
class Silent:
    """No usable answer, and why."""

    reason: str


Answer = Identity | Loading | Silent


def ask(url: str) -> Answer:
    """Who is there, and is it ready? NotAllowed when our user may not ask."""
    try:
        with _connection(url) as client:
            facts = client.info()
            if facts.get("loading"):
                return _loading(facts)
            return _identity(facts)
    except NoAnswer as error:
        return Silent(str(error))


def read_options(url: str, names: Iterable[str]) -> dict[str, str]:
    """The values of the options that the server knows."""
    found: dict[str, str] = {}
    with _connection(url) as client:
        for name in names:  # one by one: older servers take a single name
            found.update(cast("dict[str, str]", client.config_get(name)))
    return found


def write_options(url: str, options: Mapping[str, str]) -> bool:
    """Change options while the server runs; False when one of them cannot be changed."""
    with _connection(url) as client:
        try:
            for name, value in options.items():
                client.config_set(name, value)
        except redis.ResponseError:
            return False
    return True


def write_user(url: str, name: str, rules: Sequence[str]) -> None:
    """Let a user have these rules and no others."""
    with _connection(url) as client:
        setting: Any = client.execute_command  # redis-py has no types for it.
        setting("ACL", "SETUSER", name, "reset", *rules)


def is_rewriting(url: str) -> bool:
    """Whether an append-only file is being written anew, or is about to be."""
    with _connection(url) as client:
        facts = client.info("persistence")
        return bool(facts["aof_rewrite_in_progress"] or facts["aof_rewrite_scheduled"])


def redacted(url: str) -> str:
    """The URL without what must not be printed."""
    return _SECRET.sub("***@", url).partition("?")[0]


@contextmanager
def _connection(url: str) -> Generator["redis.Redis", None, None]:
    # Retries off, as everywhere: a command whose reply was lost must not be sent again unseen.
    client = redis.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=QUESTION_LIMIT_S,
        socket_connect_timeout=QUESTION_LIMIT_S,
        decode_responses=True,
        # No greetings: a server that loads finds time for one question now and then.
        protocol=2,
        driver_info=None,
    )
    try:
        yield client
    except redis.AuthenticationError as error:
        raise NotAllowed(
            f"the store server at {redacted(url)} refuses the log-in ({error}):"
            " put user and password into the URL, redis://USER:PASSWORD@HOST"
        ) from error
    except NoPermissionError as error:
        raise NotAllowed(
            f"our user may not look at the store server at {redacted(url)} ({error}):"
            " ACL SETUSER <user> +info +config|get"
        ) from error
    except redis.ResponseError as error:
        raise NotAllowed(
            f"the store server at {redacted(url)} refuses a question ({error}):"
            " it must have the commands INFO and CONFIG GET"
        ) from error
    except redis.RedisError as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error
    finally:
        client.close()


def _identity(facts: Mapping[str, Any]) -> Identity:
    level = str(facts.get("redis_version", ""))
    # Without a limit of its own the server may take what its machine has.
    limit = facts.get("maxmemory") or facts.get("total_system_memory") or 0
    return Identity(
        version=str(facts.get("valkey_version") or level),
        level=level,
        run_id=str(facts.get("run_id", "")),
        pid=int(facts.get("process_id", 0)),
        memory_limit=int(limit),
        is_replica=facts.get("role") == "slave",
    )


def _loading(facts: Mapping[str, Any]) -> Loading:
    return Loading(
        int(facts.get("loading_loaded_bytes", 0)),
        int(facts.get("loading_total_bytes", 0)),
        int(facts.get("loading_eta_seconds", 0)),
    )
