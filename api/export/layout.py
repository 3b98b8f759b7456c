"""Which files an export has, and what they are called. Pure."""

import re
from typing import Final

FORMAT: Final = "statflow-export/1"
"""What the catalogue says of itself."""

CATALOGUE: Final = "catalogue.json"

STAT_FILE: Final = re.compile(r"data/[0-9]{1,19}\.csv")
"""What the file of a stat is called."""


def file_of(stat: int) -> str:
    """Where the buckets of a stat stand. Ids that differ in capitals only are one on some disks."""
    return f"data/{stat}.csv"
