"""Install the Debian packages that the tests use, or say which are missing: `make tools`.

Tests that need a tool skip without it, so nothing here fails the build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker-cli",  # from Debian 13 on; before, docker.io brings it
    "iptables": "iptables",
    "ip": "iproute2",
    "debootstrap": "debootstrap",
    "redis-server": "redis-server",
    "haproxy": "haproxy",
    "prometheus": "prometheus",
    "chromium": "chromium",
    "imagej": "imagej",
    "javac": "default-jdk-headless",
    "Xvfb": "xvfb",  # a screen for ImageJ
    "Rscript": "r-base-core",
}  # command: package that brings it
# Where Debian's programs are, also those that are not in everybody's PATH.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
POLICY = Path("/usr/sbin/policy-rc.d")  # asked by packages before they start their services
QUIET = {
    **os.environ,
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_SUSPEND": "1",  # on Ubuntu: restart no service of the machine's
}


def main() -> None:
    """Install what is missing, one line a package that cannot be had."""
    packages = missing(PACKAGES)
    if not packages:
        print("Tools: all there")
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"Tools: some tests skip without these Debian packages: {' '.join(known(packages))}")
        return
    _apt_get("update")
    packages = known(packages)
    print(f"Tools: installing {' '.join(packages)}")
    with services_stopped(POLICY):
        if not _apt_get("install", *packages):
            for package in packages:  # one that cannot be had keeps no other away
                _apt_get("install", package)
    if left := missing(PACKAGES):
        print(f"Tools: not to be had here, some tests skip: {' '.join(left)}")


def missing(packages: Mapping[str, str]) -> list[str]:
    """The packages whose command is not on this machine."""
    return [package for command, package in packages.items() if shutil.which(command, path=PATH) is None]


def known(packages: Sequence[str]) -> list[str]:
    """Those of the packages that this release of Debian has; all of them where apt knows none."""
    if shutil.which("apt-cache") is None:
        return list(packages)
    found = [package for package in packages if _run(["apt-cache", "show", package]).returncode == 0]
    return found or list(packages)


@contextmanager
def services_stopped(policy: Path) -> Iterator[None]:
    """Packages installed in the meantime do not start their services."""
    if policy.exists():  # the machine has a policy of its own
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _apt_get(action: str, *packages: str) -> bool:
    options = ["-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]
    command = [
        "apt-get",
        *options,
        action,
        *(["-y", "--no-install-recommends", *packages] if packages else []),
    ]
    done = _run(command)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        print(f"Tools: apt-get {action} {' '.join(packages)} failed: {lines[-1] if lines else 'no message'}")
    return done.returncode == 0


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=QUIET, capture_output=True, text=True, check=False)  # noqa: S603


if __name__ == "__main__":
    main()
