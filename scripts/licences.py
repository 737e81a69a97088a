"""Say under which licences the service's requirements are; ends with 1 if one of them is not allowed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = Path(__file__).parent.parent / "requirements.txt"
ALLOWED = re.compile(
    r"\b(MIT|BSD|0BSD|FreeBSD|Apache|ISC|PSF|Python Software Foundation|HPND|Zlib|ZPL|CC0|MPL-2\.0)\b"
)
"""Permissive ones, and Mozilla's, which asks no more of who uses a package unchanged."""
COPYLEFT = re.compile("GPL")
"""In no part of an expression, whatever stands beside it."""
OF_THE_MACHINE = re.compile(r"nvidia-|cuda-|triton$")
"""What belongs to a build of torch for GPUs, under NVIDIA's own terms; the image for CPUs is without."""
GRANT_OF_MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"
SHORT = 80
"""Characters: a longer field holds the licence's text, not its name."""


def main() -> None:
    """Print name, version and licence of each, one a line; then what is not allowed."""
    found = sorted(closure(), key=lambda package: canonicalize_name(package.metadata["Name"]))
    refused = []
    for package in found:
        said = licence(package)
        print(f"{package.metadata['Name']} {package.version}: {said}")
        if not allowed(said):
            refused.append(package.metadata["Name"])
    if refused:
        print(f"Not among the allowed licences: {', '.join(refused)}", file=sys.stderr)
        raise SystemExit(1)


def closure() -> Iterator[Distribution]:
    """What requirements.txt asks for, and all that this asks for, as installed."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    waiting = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in seen or OF_THE_MACHINE.match(name) or not _applies(wanted):
            continue
        seen.add(name)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another machine
        yield package
        for line in package.requires or ():
            needed = Requirement(line)
            if _applies(needed, wanted.extras):
                waiting.append(needed)


def allowed(said: str) -> bool:
    """Whether a licence's name, or an expression of several, is one that the project takes."""
    return bool(ALLOWED.search(said)) and not COPYLEFT.search(said)


def licence(package: Distribution) -> str:
    """The licence as the package's own data name it."""
    told = package.metadata.json
    name = str(told.get("license_expression") or told.get("license") or "")
    if name and len(name) <= SHORT:
        return name
    kinds = [kind.rpartition(" :: ")[2] for kind in told.get("classifier", ()) if "License ::" in kind]
    return ", ".join(kinds) or name.strip().partition("\n")[0] or _by_text(package) or "not said"


def _by_text(package: Distribution) -> str:
    """MIT, where that is what the package's licence file grants; else nothing."""
    files = [file for file in package.files or () if file.name.upper().startswith("LICENSE")]
    return "MIT" if any(GRANT_OF_MIT in " ".join(file.read_text().split()) for file in files) else ""


def _applies(wanted: Requirement, extras: set[str] | frozenset[str] = frozenset()) -> bool:
    marker = wanted.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


if __name__ == "__main__":
    main()
