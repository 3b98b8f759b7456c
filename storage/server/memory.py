"""How much memory the embedded server may take.

Half of what this machine, or the control group around this process, has: the program itself, the
copy-on-write pages of a rewrite and the page cache live in the other half.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_MACHINE = Path("/")


def memory_budget_bytes(root: Path = _MACHINE) -> int:
    """Half of the memory that this process can have; `root` stands for the file system's root."""
    return min([_installed(root), *_group_limits(root)]) // 2


def _installed(root: Path) -> int:
    for line in _read(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemTotal":
            return int(rest.split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _group_limits(root: Path) -> Iterator[int]:
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":  # version 2; mounted beside version 1 on mixed systems
            mounts, name = ["sys/fs/cgroup", "sys/fs/cgroup/unified"], "memory.max"
        elif "memory" in controllers.split(","):
            mounts, name = ["sys/fs/cgroup/memory"], "memory.limit_in_bytes"
        else:
            continue
        # The limit of every group above counts too. In a container the path may be that of the
        # host, while the mount shows the container's own group as its root.
        inner = PurePosixPath(path.lstrip("/"))
        for group in (inner, *inner.parents):
            for mount in mounts:
                limit = _read(root / mount / group / name).strip()
                if limit.isdigit() and int(limit) > 0:  # "max" is no limit
                    yield int(limit)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
