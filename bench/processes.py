"""What a process costs: CPU seconds and resident memory, read from /proc."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int | str = "self") -> float:
    """CPU seconds that a process has used, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_bytes(pid: int | str = "self") -> int:
    """Memory of a process that is in RAM, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
