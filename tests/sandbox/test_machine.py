from __future__ import annotations

from pathlib import Path

import pytest

from omnicore.sandbox.budget import memory_of

GIB = 1 << 30


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"proc/meminfo": "MemTotal:  8388608 kB\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "gib"),
    [
        ({}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{2 * GIB}\n"}, 2),
        ({"sys/fs/cgroup/memory.max": f"{2 * GIB}\n"}, 2),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/memory.max": "max",
                "sys/fs/cgroup/a/memory.max": f"{GIB}",
            },
            1,
        ),
        ({"proc/self/cgroup": "0::/of/the/host\n", "sys/fs/cgroup/memory.max": f"{3 * GIB}\n"}, 3),
        ({"proc/self/cgroup": "0::/../../x\n", "sys/fs/cgroup/memory.max": f"{3 * GIB}\n"}, 3),
        (
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/1\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * GIB}\n",
            },
            4,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/m\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/m/memory.limit_in_bytes": f"{2 * GIB}\n",
            },
            2,
        ),
    ],
)
def test_the_least_of_machine_and_groups_counts(tmp_path: Path, files: dict[str, str], gib: int) -> None:
    assert memory_of(machine(tmp_path, files), address_space=-1) == gib * GIB


def test_a_limit_of_the_address_space_counts_too(tmp_path: Path) -> None:
    assert memory_of(machine(tmp_path, {}), address_space=GIB) == GIB


def test_a_machine_that_tells_nothing_is_taken_for_a_small_one(tmp_path: Path) -> None:
    assert memory_of(tmp_path, address_space=-1) == GIB
