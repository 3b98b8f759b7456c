"""What viewers of shared boards were told last, and views that are not written down yet."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Viewing(Generic[T]):
    """In memory; ends with the process. `told` is by share and version, with its moment in ms."""

    told: dict[tuple[str, int], tuple[int, T]] = field(default_factory=dict)
    views: dict[str, int] = field(default_factory=dict)
    noted_ms: dict[str, int] = field(default_factory=dict)
