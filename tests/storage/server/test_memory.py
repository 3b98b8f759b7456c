"""Half of the machine's memory, or of the control group's when that is smaller."""

from pathlib import Path

import pytest

from storage.server.memory import memory_budget_bytes

GIB = 1024**3
NO_LIMIT_V1 = "9223372036854771712"


def machine(root: Path, **files: str) -> Path:
    """A file system with 8 GiB of memory and these files; names have `__` for a slash."""
    files = {"proc__meminfo": f"MemTotal: {8 * 1024**2} kB\nMemFree: 1 kB\n", **files}
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_groups_it_is_half_of_the_machine(tmp_path: Path) -> None:
    assert memory_budget_bytes(machine(tmp_path)) == 4 * GIB


@pytest.mark.parametrize("mount", ["sys__fs__cgroup", "sys__fs__cgroup__unified"])
def test_version_2_groups(tmp_path: Path, mount: str) -> None:
    files = {
        "proc__self__cgroup": "0::/app.slice/statflow.service\n",
        f"{mount}__app.slice__statflow.service__memory.max": f"{2 * GIB}\n",
    }
    assert memory_budget_bytes(machine(tmp_path, **files)) == GIB


def test_a_group_above_counts_too(tmp_path: Path) -> None:
    files = {
        "proc__self__cgroup": "0::/app.slice/statflow.service\n",
        "sys__fs__cgroup__app.slice__statflow.service__memory.max": "max\n",
        "sys__fs__cgroup__app.slice__memory.max": f"{GIB}\n",
    }
    assert memory_budget_bytes(machine(tmp_path, **files)) == GIB // 2


def test_a_container_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    files = {
        "proc__self__cgroup": "0::/../../docker/0123\n",
        "sys__fs__cgroup__memory.max": f"{GIB}\n",
    }
    assert memory_budget_bytes(machine(tmp_path, **files)) == GIB // 2


def test_version_1_groups(tmp_path: Path) -> None:
    files = {
        "proc__self__cgroup": "9:name=systemd:/x\n5:cpu,memory:/box/inner\n0::/\n",
        "sys__fs__cgroup__memory__box__inner__memory.limit_in_bytes": f"{NO_LIMIT_V1}\n",
        "sys__fs__cgroup__memory__box__memory.limit_in_bytes": f"{3 * GIB}\n",
    }
    assert memory_budget_bytes(machine(tmp_path, **files)) == 3 * GIB // 2


def test_no_limit_is_the_machine(tmp_path: Path) -> None:
    files = {
        "proc__self__cgroup": "5:memory:/\n0::/\n",
        "sys__fs__cgroup__memory__memory.limit_in_bytes": f"{NO_LIMIT_V1}\n",
        "sys__fs__cgroup__memory.max": "max\n",
    }
    assert memory_budget_bytes(machine(tmp_path, **files)) == 4 * GIB


def test_a_system_without_these_files_still_has_memory(tmp_path: Path) -> None:
    assert memory_budget_bytes(tmp_path) == memory_budget_bytes(tmp_path) > 0


def test_this_machine() -> None:
    assert 0 < memory_budget_bytes() < 2**50
