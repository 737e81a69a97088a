"""Memory and CPUs of a container, told from cgroup files of both versions."""

from __future__ import annotations

import psutil
import pytest

from api.health.container import cpus, free_disk, memory

GIB = 2**30


def files(root, contents):
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def test_version_2_at_the_mount_as_within_a_container(tmp_path):
    files(
        tmp_path,
        {
            "proc/self/cgroup": "0::/",
            "sys/fs/cgroup/memory.max": GIB,
            "sys/fs/cgroup/memory.current": GIB // 2,
            "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {GIB // 4}",
            "sys/fs/cgroup/cpu.max": "50000 100000",
        },
    )
    found = memory(tmp_path)
    assert (found.used, found.limit, found.source) == (GIB // 4, GIB, "cgroup v2")
    assert cpus(tmp_path) == 0.5


def test_the_tightest_of_nested_groups_holds(tmp_path):
    files(
        tmp_path,
        {
            "proc/self/cgroup": "0::/system.slice/sam.service",
            "sys/fs/cgroup/system.slice/memory.max": GIB,
            "sys/fs/cgroup/system.slice/memory.current": 100,
            "sys/fs/cgroup/system.slice/sam.service/memory.max": "max",
            "sys/fs/cgroup/system.slice/sam.service/memory.current": 50,
            "sys/fs/cgroup/system.slice/sam.service/cpu.max": "max 100000",
        },
    )
    assert memory(tmp_path).limit == GIB
    assert memory(tmp_path).used == 100


@pytest.mark.parametrize("group", ["docker/abc", ""])
def test_version_1(tmp_path, group):
    """Its path in /proc may be the host's, where within the container only the mount itself is there."""
    files(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/",
            f"sys/fs/cgroup/memory/{group}/memory.limit_in_bytes": GIB,
            f"sys/fs/cgroup/memory/{group}/memory.usage_in_bytes": GIB // 2,
            f"sys/fs/cgroup/memory/{group}/memory.stat": "total_inactive_file 1024",
            f"sys/fs/cgroup/cpu/{group}/cpu.cfs_quota_us": 25_000,
            f"sys/fs/cgroup/cpu/{group}/cpu.cfs_period_us": 100_000,
        },
    )
    found = memory(tmp_path)
    assert (found.used, found.limit, found.source) == (GIB // 2 - 1024, GIB, "cgroup v1")
    assert cpus(tmp_path) == 0.25


def test_without_a_limit_the_machine_counts(tmp_path):
    files(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": 9223372036854771712,
            "sys/fs/cgroup/memory/memory.usage_in_bytes": 5,
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": -1,
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": 100_000,
        },
    )
    found = memory(tmp_path)
    assert (found.source, found.limit) == ("machine", psutil.virtual_memory().total)
    assert cpus(tmp_path) >= 1


def test_this_machine():
    found = memory()
    assert 0 < found.used < found.limit
    assert cpus() > 0


def test_free_disk(tmp_path):
    free, total = free_disk(tmp_path)
    assert 0 <= free <= total


def test_a_folder_that_is_gone_has_no_room(tmp_path):
    assert free_disk(tmp_path / "gone") == (0, 0)
