"""Print the installed versions as pip constraints, but for torch and what belongs to its build."""

from __future__ import annotations

import re
from importlib.metadata import distributions

MACHINES_OWN = re.compile(r"(torch|torchvision|triton|nvidia-.*|cuda-.*|pip|setuptools)$")


def main() -> None:
    """Print name==version, one a line, sorted."""
    versions = {
        re.sub(r"[-_.]+", "-", name).lower(): found.version
        for found in distributions()
        if (name := found.metadata["Name"])
    }
    print("# Written by `make lock`: the versions that the tests ran with.")
    for name in sorted(versions):
        if not MACHINES_OWN.match(name):
            print(f"{name}=={versions[name]}")


if __name__ == "__main__":
    main()
