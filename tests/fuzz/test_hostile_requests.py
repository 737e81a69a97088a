"""Requests that were made to do harm, against the service as it is run: each has an answer, and soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.conftest import ADMIN_KEY, HEALTH_KEY, KEY, ROOT
from tests.droplets.images import SOUND
from tests.fuzz.corpus import KINDS, Bad, corpus
from tests.test_server import Server, connected, serving

pytestmark = [pytest.mark.server, pytest.mark.model]

MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))
"""For each test here; 0 is the short form."""
LONGEST_S = 10
MOST_MORE_MB = 300
"""Of memory, at any time, beside what a worker takes that has looked at one small picture thoroughly."""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    keys = {"API_KEYS": f"{KEY}:Ada:10000000", "ADMIN_API_KEY": ADMIN_KEY, "HEALTH_CHECK_KEY": HEALTH_KEY}
    with serving(tmp_path_factory.mktemp("server"), MAX_IMAGE_PIXELS="1000000", **keys) as server:
        assert server.segment(SOUND["png"], "thorough").status_code == 200  # the model has what it needs
        yield server


def most_memory_mb(process: psutil.Process) -> float:
    """The most that a process has had since its start."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def posted(server: Server, bad: Bad) -> tuple[Bad, bytes, float]:
    """What was sent, what came back and after how many seconds."""
    started, answer = time.monotonic(), b""
    with connected(server) as client:
        client.settimeout(LONGEST_S)
        try:
            client.sendall(bad.message)
            while part := client.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            pass
    return bad, answer, time.monotonic() - started


def wrong_with(answer: bytes) -> str | None:
    """Why an answer is none that the service may give."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        return "no answer"
    status = int(head.split()[1])
    if status == 503 and b"Retry-After: " in head:
        return None
    if status >= 500:
        return f"a {status}"
    if status >= 400:
        told = json.loads(body)
        if told["success"] or not (told["error"] and told["message"] and told["request_id"]):
            return "an error without words"
    return "a trace or a path" if b"Traceback" in body or str(ROOT).encode() in body else None


def test_bad_requests_of_all_kinds_have_an_answer_soon_and_in_little_memory(server):
    (worker,) = psutil.Process(server.process.pid).children()
    before, until = most_memory_mb(worker), time.monotonic() + 60 * MINUTES
    seed, sent, faults = 1, Counter(), []
    with ThreadPoolExecutor(4) as pool:
        while not sent or time.monotonic() < until:
            for bad, answer, seconds in pool.map(lambda each: posted(server, each), corpus(seed, 1200)):
                sent[bad.kind] += 1
                if (wrong := wrong_with(answer)) or seconds > LONGEST_S:
                    faults.append((wrong, round(seconds, 1), seed, bad.kind, bad.message[:300], answer[:300]))
            seed += 1
    assert not faults
    assert sent.keys() == KINDS.keys()
    assert psutil.Process(server.process.pid).children() == [worker]
    assert most_memory_mb(worker) - before < MOST_MORE_MB
    assert "unexpected error" not in server.log.read_text()
    assert server.segment(SOUND["png"]).status_code == 200


def test_the_service_keeps_to_its_specification_whatever_is_sent(server, tmp_path):
    """Schemathesis makes requests of the specification, right and wrong ones, and checks each answer."""
    most = (
        ["--max-time", str(int(60 * MINUTES))]
        if MINUTES
        else ["--phases", "examples,fuzzing,stateful", "-n", "3"]
    )
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli",
         "--config-file", str(Path(__file__).parent / "schemathesis.toml"),
         "run", f"{server.address}/openapi.json", "--seed", "1", "--no-color", *most],
        cwd=tmp_path,
        env={**os.environ, "API_KEY": KEY, "ADMIN_KEY": ADMIN_KEY, "HEALTH_KEY": HEALTH_KEY},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20000:]
    assert "unexpected error" not in server.log.read_text()
