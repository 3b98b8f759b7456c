"""What came of things that a dump has besides stats. Pure."""

from dataclasses import dataclass, field

from api.importing.faults import Fault


@dataclass(slots=True)
class Brought:
    """How many are new by this import, how many were there, and what could not be brought.

    `ids` are the ids here of what is, or in a dry run would be, by the ids that the dump has.
    """

    new: int = 0
    same: int = 0
    faults: list[Fault] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def count(self, *, new: bool) -> None:
        """One more."""
        self.new += new
        self.same += not new
