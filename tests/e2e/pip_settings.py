"""This machine's pip settings in a form that works inside a build container on the host's network.

Folders of wheels are served over HTTP on loopback; files are copied.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

PORT = 9486  # always the same, as it is part of the image that Docker's layer cache goes by
FOLDER = "/etc/pip"  # in the image
CARRIED = ("index-url", "extra-index-url", "find-links", "constraint", "trusted-host", "default-timeout")


@dataclass
class PipSettings:
    """What the container's pip is to know.

    Attributes:
        options: of pip.conf's section [global].
        files: to lie in FOLDER, by name.
        folders: to be served, by the first part of the address's path.
    """

    options: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)

    @property
    def text(self) -> str:
        """pip.conf."""
        return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in self.options.items())

    def translate(self, option: str, value: str) -> None:
        """Take over an option, with addresses and paths that hold in the container."""
        self.options[option] = " ".join(self._translated(option, item) for item in value.split())

    def _translated(self, option: str, item: str) -> str:
        path = Path(unquote(urlsplit(item).path)) if item.startswith("file:") else Path(item)
        if not path.is_absolute() or not path.exists():
            return item
        if path.is_file():
            name = f"{len(self.files)}-{path.name}"
            self.files[name] = path
            return f"{FOLDER}/{name}"
        # an index's pages link to files beside its folder
        served, rest = (path.parent, f"{path.name}/") if option.endswith("index-url") else (path, "")
        self.folders.append(served)
        return f"http://127.0.0.1:{PORT}/{len(self.folders) - 1}/{rest}"


def read_settings(listed: str | None = None) -> PipSettings:
    """PipSettings of what `pip config list` prints."""
    settings = PipSettings()
    for option, value in _values(_pip_config_list() if listed is None else listed).items():
        if option in CARRIED:
            settings.translate(option, value)
    return settings


@contextmanager
def served(folders: list[Path], port: int = PORT) -> Iterator[str]:
    """`folders` at http://127.0.0.1:PORT/0/, /1/ ... for as long as the context lasts; gives the address."""

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            number, _, rest = path.lstrip("/").partition("/")
            known = number.isdecimal() and int(number) < len(folders)
            self.directory = str(folders[int(number)]) if known else os.devnull
            return super().translate_path(f"/{rest}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _pip_config_list() -> str:
    command = [sys.executable, "-m", "pip", "config", "list"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _values(listed: str) -> dict[str, str]:
    """Values by option; the environment wins over the files' section for `install`, that over `global`."""
    rank = {"global": 0, "install": 1, ":env:": 2}
    found = []
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in rank:
            found.append((rank[section], option, str(ast.literal_eval(value))))
    return {option: value for _, option, value in sorted(found)}
