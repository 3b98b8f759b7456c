"""The way to the store server: plain calls of redis-py, in threads of their own.

Law: nothing here sends anything twice. redis-py would by default, and append twice; only the caller
knows whether a repeat is safe. (Appends have a way of their own, `storage/connection.py`, under the
same law.) What goes wrong leaves as the engine's own kinds of error.
"""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import redis
import redis.exceptions as errors
import trio
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.ports import Refused, StoreError, Unavailable

ANSWER_LIMIT_S: Final = 5.0
"""Connecting or waiting for a reply longer than this is `Unavailable`."""

THREADS: Final = 4
"""Calls of one link under way at a time; more wait for their turn."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LinkStatistics:
    """Calls since the start, how many of them failed, the seconds they took, how many run now."""

    calls: int
    failed: int
    elapsed_s: float
    running: int


class Link:
    """Connections to the server at `url` (`unix:///path`, `redis://` or `rediss://`).

    Nothing is opened before the first call; a server that comes back is simply found again.
    With a `patience_s` a call that takes longer, its wait for a turn included, is Unavailable and
    left alone: for links whose calls only read.
    """

    def __init__(
        self,
        url: str,
        *,
        threads: int = THREADS,
        answer_limit_s: float = ANSWER_LIMIT_S,
        patience_s: float = math.inf,
    ) -> None:
        self._client = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=answer_limit_s,
            retry=Retry(NoBackoff(), 0),
            # Saves two round trips a connection, and older servers do not know the command.
            driver_info=None,
        )
        self._limiter = trio.CapacityLimiter(threads)
        self._patience_s = patience_s
        self._calls = self._failed = 0
        self._elapsed_s = 0.0

    def __repr__(self) -> str:
        now = self.statistics()
        return f"<Link {now.running} running, {now.calls} calls, {now.failed} failed>"

    async def run(self, call: Callable[[redis.Redis], T]) -> T:
        """What `call` returns; it runs in a thread and may send as much as it likes.

        Raises Unavailable or Refused; other errors of the server, which only a wrong command
        earns, come as redis-py has them. A cancelled caller still waits for the reply, so that it
        never leaves without knowing; unless the link has a patience.
        """
        began = time.perf_counter()
        self._calls += 1
        try:
            with trio.move_on_after(self._patience_s):
                return await trio.to_thread.run_sync(
                    call,
                    self._client,
                    limiter=self._limiter,
                    abandon_on_cancel=self._patience_s < math.inf,
                )
            raise TimeoutError(f"the store did not answer within {self._patience_s:g} s")
        except (redis.RedisError, OSError) as error:
            self._failed += 1
            told = translated(error)
            if told is None:
                raise
            raise told from error
        finally:
            self._elapsed_s += time.perf_counter() - began

    def statistics(self) -> LinkStatistics:
        """The link at this moment."""
        return LinkStatistics(
            self._calls, self._failed, self._elapsed_s, self._limiter.borrowed_tokens
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def translated(error: Exception) -> StoreError | None:
    """The engine's name for an error of redis-py; None when it is a fault of the command.

    Also for the errors that stand among the replies of a pipeline.
    """
    text = str(error)
    for kind, code in _REFUSALS:
        if isinstance(error, kind):
            return Refused(code, text)
    if isinstance(error, _UNKNOWN):
        return Unavailable(text)
    if isinstance(error, errors.ResponseError) and (found := _REFUSAL.search(text)):
        return Refused(found[1].lower(), text)
    return None


# Looked at before the unknown ones: to redis-py, loading and a wrong password are broken
# connections. Both are answers, after which nothing was done.
_REFUSALS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (errors.BusyLoadingError, "loading"),
    (errors.OutOfMemoryError, "oom"),
    (errors.ReadOnlyError, "readonly"),
    (errors.MasterDownError, "masterdown"),
    (errors.ClusterDownError, "clusterdown"),
    (errors.TryAgainError, "tryagain"),
    (errors.AuthenticationError, "noauth"),
    (errors.NoPermissionError, "noperm"),
)

_UNKNOWN: Final = (errors.ConnectionError, errors.TimeoutError, errors.InvalidResponse, OSError)

# Codes for which redis-py has no type; and servers before 7.0 pack the code of an error that a
# script met into the middle of their text: "Error running script ...: -OOM command not allowed".
_REFUSAL: Final = re.compile(
    r"(?:^|-)(LOADING|OOM|MISCONF|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|BUSY|NOAUTH"
    r"|WRONGPASS|NOPERM)\b"
)
