"""What the container has and uses: memory, CPUs and disk, from its cgroup or else from the machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from config import cores


@dataclass(frozen=True)
class Memory:
    """Bytes of memory in use, without file caches that can be dropped, and how many there may be.

    Attributes:
        used: bytes.
        limit: bytes; the machine's memory where no cgroup sets less.
        source: "cgroup v2", "cgroup v1" or "machine".
    """

    used: int
    limit: int
    source: str


@dataclass(frozen=True)
class Controller:
    """Where a version of cgroups keeps the memory's and the CPU's figures."""

    version: str
    memory: str
    cpu: str
    limit: str
    used: str
    droppable: str


CONTROLLERS = (
    Controller("cgroup v2", "", "", "memory.max", "memory.current", "inactive_file"),
    Controller(
        "cgroup v1",
        "memory",
        "cpu",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)


def memory(root: Path = Path("/")) -> Memory:
    """Memory of the tightest cgroup that the process is in, else of the machine.

    Arguments:
        root: where `sys` and `proc` are.
    """
    machine = psutil.virtual_memory()
    tightest = Memory(machine.total - machine.available, machine.total, "machine")
    for controller in CONTROLLERS:
        for group in _groups(root, controller.memory):
            limit = _number(group / controller.limit)
            used = _number(group / controller.used)
            if limit is not None and used is not None and limit < tightest.limit:
                droppable = _statistic(group / "memory.stat", controller.droppable)
                tightest = Memory(max(0, used - droppable), limit, controller.version)
    return tightest


def cpus(root: Path = Path("/")) -> float:
    """CPUs that the process may use: those it may run on, or a cgroup's quota if that is less."""
    quotas = [float(cores())]
    for group in _groups(root, ""):
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if quota.isdigit():
            quotas.append(int(quota) / int(period))
    for group in _groups(root, "cpu"):
        limit, period_us = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
        if limit and period_us:
            quotas.append(limit / period_us)
    return min(quotas)


def free_disk(folder: Path) -> tuple[int, int]:
    """(free, total) bytes of the file system that `folder` is on; zeros if the folder cannot be reached."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return 0, 0
    return usage.free, usage.total


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the process's cgroup and of those above it; `controller` is "" for version 2."""
    mount = root / "sys/fs/cgroup" / controller
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            group = mount / path.lstrip("/")
            while group != mount:
                yield group
                group = group.parent
    yield mount  # within a container the path may be the host's, and only this is there


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.isdigit() else None


def _statistic(file: Path, name: str) -> int:
    for line in _text(file).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
