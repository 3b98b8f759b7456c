"""Where an entry stands in the log of its partition. Pure."""

from typing import NamedTuple, Self


class Position(NamedTuple):
    """A stream id: append stamp in epoch milliseconds, then a sequence within it."""

    ms: int
    seq: int

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read `ms-seq`; ValueError when it is anything else."""
        ms, seq = (text.decode() if isinstance(text, bytes) else text).split("-")
        return cls(int(ms), int(seq))

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"


START = Position(0, 0)
"""Before every entry."""
