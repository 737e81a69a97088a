"""Puts the JavaScript that draws the charts in place: `python -m web.plotly`.

It is plotly.js's bundle for bars and dots, from npm, pinned by the hash of the package and of the file. The
file that is there already is checked and kept.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from model import npm
from model.download import SourceUnavailable

BUNDLE = Path(__file__).with_name("plotly.min.js")
VERSION = "4.1.1"

_PACKAGE = f"plotly.js-basic-dist-min@{VERSION}"
_INTEGRITY = "sha512-1oNF8PeQx2hv/y7tqEVWKD3JGwn/MGEMQ8mL9HUwsaqG9FGy/OU5FHUHvzqbqxN4mnwZGI9abTiE775C4kkjMQ=="
_SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"


def read(bundle: Path = BUNDLE) -> bytes | None:
    """The JavaScript in the file `bundle`; None if it is not there, or not the one of this version."""
    content = bundle.read_bytes() if bundle.is_file() else b""
    return content if hashlib.sha256(content).hexdigest() == _SHA256 else None


def fetch(bundle: Path = BUNDLE) -> None:
    """Make sure that the right JavaScript lies in the file `bundle`.

    Raises:
        SourceUnavailable: npm cannot be had, does not answer, or gives another package.
        OSError: the folder cannot be written to.
    """
    if read(bundle) is not None:
        return
    with TemporaryDirectory(dir=bundle.parent) as folder:
        tarball = npm.fetch_package(_PACKAGE, _INTEGRITY, Path(folder))
        whole = Path(folder, bundle.name)
        whole.write_bytes(npm.read_member(tarball, "plotly-basic.min.js"))
        whole.replace(bundle)


def main() -> int:
    """Run the command; 0 if the file is in place, otherwise 1 and a message on stderr."""
    try:
        fetch()
    except (SourceUnavailable, OSError) as error:
        print(f"{_PACKAGE}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
