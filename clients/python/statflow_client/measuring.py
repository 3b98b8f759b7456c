"""What programs call: counters, values, timers and decorators.

Law: no call here waits, sends or raises; what is wrong with a point is told as a trouble.
"""

import inspect
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import wraps
from types import TracebackType
from typing import ParamSpec, Self, SupportsFloat, TypeVar, cast, overload

from statflow_client.points import Kind, When

P = ParamSpec("P")
T = TypeVar("T")


class Measuring(ABC):
    """Something that takes points."""

    def counter(self, stat: str, value: SupportsFloat = 1, *, at: When = None) -> bool:
        """Add to a counter; whether the point was queued."""
        return self._take("counter", stat, value, at)

    def value(self, stat: str, value: SupportsFloat, *, at: When = None) -> bool:
        """Note a measured value; whether the point was queued."""
        return self._take("value", stat, value, at)

    def timer(self, stat: str) -> "Timer":
        """Measures a `with` block in seconds, whether it ends well or not."""
        return Timer(self, stat)

    @overload
    def timed(self, stat: str) -> Callable[[Callable[P, T]], Callable[P, T]]: ...
    @overload
    def timed(self, stat: Callable[P, T]) -> Callable[P, T]: ...
    def timed(
        self, stat: str | Callable[P, T]
    ) -> Callable[P, T] | Callable[[Callable[P, T]], Callable[P, T]]:
        """Measures each call of a function, async or not, in seconds.

        Without a name, `@timed`, the stat is called as the function: `module.function`.
        """
        if callable(stat):
            return self._timed(f"{stat.__module__}.{stat.__qualname__}", stat)
        name = stat
        return lambda function: self._timed(name, function)

    def _timed(self, stat: str, function: Callable[P, T]) -> Callable[P, T]:
        if inspect.iscoroutinefunction(function):
            awaited = cast("Callable[P, Awaitable[object]]", function)

            @wraps(function)
            async def wait(*args: P.args, **kwargs: P.kwargs) -> object:
                with self.timer(stat):
                    return await awaited(*args, **kwargs)

            return cast("Callable[P, T]", wait)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with self.timer(stat):
                return function(*args, **kwargs)

        return call

    @abstractmethod
    def _take(self, kind: Kind, stat: str, value: SupportsFloat, at: When) -> bool:
        """Queue a point, if it is one and there is room."""


class Timer:
    """A `with` block's time; `seconds` after its end."""

    def __init__(self, measuring: Measuring, stat: str) -> None:
        self.seconds = 0.0
        self._measuring = measuring
        self._stat = stat
        self._began_s = 0.0

    def __enter__(self) -> Self:
        self._began_s = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seconds = time.perf_counter() - self._began_s
        self._measuring.value(self._stat, self.seconds)
