"""Stands for an instance of the service behind the load balancer: `python instance.py ADDRESS PORT`."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
full = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(503 if full.is_set() and self.path == "/health/ready" else 200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/fill":
            full.set()
        elif full.is_set():
            self.answer(503)
            return
        else:
            time.sleep(float(self.headers.get("X-Work", 0)))
        self.answer(200)

    def answer(self, status: int) -> None:
        body = json.dumps(
            {"instance": ADDRESS, "headers": {name.lower(): value for name, value in self.headers.items()}}
        ).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """Nothing: the load balancer hangs up on probes when it stops."""


Server((ADDRESS, PORT), Handler).serve_forever()
