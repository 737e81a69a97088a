"""What the client does when a service is busy, away, over the limit or refuses: a small real HTTP server."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sam_droplet_client import (
    AsyncClient,
    Client,
    RateLimited,
    Refused,
    Results,
    Unauthorized,
    Unavailable,
    Unreachable,
)

from tests.client.loops import in_a_loop


class Service:
    """Answers requests with what a test has put into `answers`, the last one again and again."""

    def __init__(self):
        self.answers, self.seen = [], []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                service.seen.append((self.command, self.path, dict(self.headers), body))
                status, headers, body = (
                    service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
                )
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def service():
    service = Service()
    yield service
    service.server.shutdown()
    service.server.server_close()


def refused(status, message="No.", **headers):
    body = {"success": False, "error": "no", "message": message, "request_id": "r1"}
    return (
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps(body).encode(),
    )


def good():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        zipped.writestr(
            "analysis.json", json.dumps({"summary_statistics": {"count": {"droplet": 2}}, "ddpcr": None})
        )
        zipped.writestr("droplets.csv", "id,kind\r\n0,droplet\r\n1,droplet\r\n")
    return 200, {}, made.getvalue()


def blocking(service, **settings):
    with Client(service.url, "the-key", **settings) as client:
        return client.segment(b"picture", quality="fast")


def awaited(service, **settings):
    async def ask():
        async with AsyncClient(service.url, "the-key", **settings) as client:
            return await client.segment(b"picture", quality="fast")

    return in_a_loop(ask)


@pytest.mark.parametrize("ask", [blocking, awaited])
def test_it_waits_as_long_as_it_is_told_and_asks_again(service, ask):
    service.answers = [(None, {}, b""), refused(503, Retry_After="1"), refused(429, Retry_After="0"), good()]
    began = time.monotonic()
    result = ask(service)
    assert time.monotonic() - began >= 1
    assert result.count == 2
    assert list(result.droplets["kind"]) == ["droplet", "droplet"]
    assert len(service.seen) == 4
    for method, path, headers, body in service.seen:
        assert (method, path, headers["X-API-Key"]) == ("POST", "/download_analysis", "the-key")
        assert b'{"quality": "fast"}' in body
        assert b"picture" in body


@pytest.mark.parametrize("ask", [blocking, awaited])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(401), Unauthorized),
        (refused(415, "Send a picture."), Refused),
        (refused(429, Retry_After="3000"), RateLimited),
        ((500, {}, b"<html>"), Unavailable),
    ],
)
def test_what_waiting_does_not_help_is_raised_at_once_with_the_services_message(service, ask, answer, kind):
    service.answers = [answer]
    with pytest.raises(kind) as caught:
        ask(service)
    assert len(service.seen) == 1
    assert caught.value.status == answer[0]
    if answer[2].startswith(b"{"):
        assert caught.value.message == json.loads(answer[2])["message"]
        assert caught.value.request_id == "r1"
    assert "the-key" not in str(caught.value)


def test_it_gives_up_in_the_end(service):
    service.answers = [refused(503, "Busy.", Retry_After="0")]
    with pytest.raises(Unavailable, match="Busy"):
        blocking(service, retries=3)
    assert len(service.seen) == 4
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        service.url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unreachable, match="No answer"):
        blocking(service, retries=1)


def test_files_of_one_name_in_several_folders_are_sent_apart(service, tmp_path):
    for name in ("day 1/a.png", "day 2/a.png", "day 2/b.tif/c.png", ".hidden/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    named = dict.fromkeys(("created", "started", "finished", "expires", "pictures", "done", "failed"), 0)
    job = {**named, "id": "x", "state": "waiting", "pictures_per_minute": 0, "seconds_left": 0, "message": ""}
    service.answers = [(200, {}, json.dumps(job).encode())]

    def sent(pictures) -> dict[str, bytes]:
        service.seen.clear()
        with Client(service.url, "key") as client:
            client.start_job(pictures)
        return {
            path.partition("/files/")[2]: body for method, path, _, body in service.seen if method == "PUT"
        }

    files = [tmp_path / "day 1" / "a.png", tmp_path / "day 2" / "a.png"]
    assert sent(files) == {"day%201/a.png": b"day 1/a.png", "day%202/a.png": b"day 2/a.png"}
    assert sent(tmp_path / "day 1" / "a.png") == {"a.png": b"day 1/a.png"}
    assert list(sent(tmp_path)) == ["day%201/a.png", "day%202/a.png", "day%202/b.tif/c.png"]


def test_an_archive_that_leads_out_of_the_folder_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("../out.txt", "x")
    with pytest.raises(ValueError, match="leads out"):
        Results.unpacked(tmp_path / "a.zip", tmp_path / "results")
    assert not (tmp_path / "out.txt").exists()
