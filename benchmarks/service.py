"""A service of our own for a measurement: its own port, key and data folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

KEY = "benchmark-key-0001"
PORT = "9488"
ADDRESS = f"http://127.0.0.1:{PORT}"


# `gunicorn app:create_app()` as where OpenVINO is not installed
ON_TORCH = "import sys; sys.modules['openvino'] = None; from gunicorn.app.wsgiapp import run; run()"


@contextmanager
def service(runtime: str = "auto", **settings: str) -> Iterator[int]:
    """The service at ADDRESS, ready, for as long as the context lasts.

    Args:
        runtime: of the encoder: "auto", or "torch" though OpenVINO may be installed.
        settings: of its environment; without any, no worker of jobs runs beside it.

    Yields:
        process id of Gunicorn, whose children are the workers.
    """
    with tempfile.TemporaryDirectory() as data:
        own = {"API_KEYS": f"{KEY}:Benchmark:10000", "FLASK_PORT": PORT, "DATA_DIR": data, "JOBS": "off"}
        start = ["-c", ON_TORCH] if runtime == "torch" else ["-m", "gunicorn"]
        command = [sys.executable, *start, "app:create_app()"]
        process = subprocess.Popen(command, env={**os.environ, **own, **settings}, stderr=subprocess.DEVNULL)
        try:
            _wait_until_ready(process)
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)


def post(route: str, **fields: bytes | str) -> requests.Response:
    """Answer to a multipart form; bytes are files."""
    files = {name: value for name, value in fields.items() if isinstance(value, bytes)}
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    answer = requests.post(
        f"{ADDRESS}{route}", files=files, data=texts, headers={"X-API-Key": KEY}, timeout=900
    )
    answer.raise_for_status()
    return answer


def _wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            if requests.get(f"{ADDRESS}/health/ready", timeout=120).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    sys.exit(f"The service did not start; is port {PORT} free?")
