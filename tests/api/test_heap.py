"""The heap: memory that was freed is not asked for again."""

import platform
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

TEMPORARIES = """
import resource
import numpy as np
from api.heap import keep_freed_memory

{prepare}

def turn():
    columns = [np.ones(125_000) for _ in range(8)]  # A megabyte each.

turn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    turn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(prepare: str) -> int:
    """Page faults of ten batches of temporaries in a process of its own."""
    code = TEMPORARIES.format(prepare=prepare)
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(found.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back so soon"
)
def test_freed_memory_is_used_again() -> None:
    assert faults("keep_freed_memory()") < 100 < faults("")
