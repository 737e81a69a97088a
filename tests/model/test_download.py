"""Downloads survive a server that stumbles and end, with a reason, at one that is of no use."""

import hashlib
import socket
import time

import pytest

from model.download import Limits, SourceUnavailable, download

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = Limits(attempts=2, back_off_s=0.01, stall_s=0.3, attempt_s=0.5)


@pytest.fixture
def get(server, tmp_path):
    server.files["/file"] = CONTENT

    def get(path="/file", size=SIZE, sha256=SHA256):
        download(server.address + path, tmp_path / "file", size, sha256, QUICK)
        return (tmp_path / "file").read_bytes()

    return get


def test_right_file(get):
    assert get() == CONTENT


@pytest.mark.parametrize("status", [500, 503, 429])
def test_tries_again_after_an_error_answer(get, server, status, capsys):
    server.failures, server.status = 1, status
    assert get() == CONTENT
    assert len(server.requests) == 2
    assert "trying again" in capsys.readouterr().err


def test_tries_again_after_a_broken_transfer(get, server):
    server.broken = 1
    assert get() == CONTENT
    assert len(server.requests) == 2


def refused(get, tmp_path, reason, **arguments):
    with pytest.raises(SourceUnavailable, match=reason):
        get(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_gives_up_after_its_attempts(get, server, tmp_path):
    server.failures = 9
    refused(get, tmp_path, r"answered 503 .*\(2 attempts\)")
    assert len(server.requests) == 2


def test_does_not_ask_twice_for_what_is_not_there(get, server, tmp_path):
    refused(get, tmp_path, "answered 404", path="/none")
    assert len(server.requests) == 1


def test_trickle_ends_at_the_time_limit(get, server, tmp_path):
    server.piece, server.pause = 1000, 0.02
    start = time.monotonic()
    refused(get, tmp_path, "too slow")
    assert time.monotonic() - start < 5


def test_stall_ends_at_the_stall_limit(get, server, tmp_path):
    server.piece, server.pause = 1000, 60
    start = time.monotonic()
    refused(get, tmp_path, "stopped sending")
    assert time.monotonic() - start < 5


def test_wrong_bytes_are_refused(get, server, tmp_path):
    server.files["/file"] = CONTENT[::-1]
    refused(get, tmp_path, f"wrong file: expected 1,048,576 bytes with sha256 {SHA256}")
    assert len(server.requests) == 1


def test_more_bytes_than_expected_are_refused(get, server, tmp_path):
    refused(get, tmp_path, "more than the 1,000 bytes expected", size=1000)


def test_closed_port(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/file"
        with pytest.raises(SourceUnavailable, match="refused"):
            download(address, tmp_path / "file", 1, SHA256, QUICK)
