"""Real Chromium before a real server: one server and one browser for all tests, a fresh context for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browser.workbench import Workbench
from tests.conftest import ADMIN_KEY, KEY, ROOT, SMALL_KEY
from tests.test_server import Server, serving

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
LAYOUT = (Path(__file__).parent / "layout.js").read_text()
SCREENSHOTS = ROOT / "out" / "screenshots"
VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error("policy:", event.violatedDirective, event.blockedURI, event.sourceFile, event.lineNumber));
"""
DRAWN = """() => new Promise((done) => {
  const look = () => document.querySelector(".plot[aria-busy=true]") ? requestAnimationFrame(look) : done();
  requestAnimationFrame(() => requestAnimationFrame(look)); // resizing is heard with the next frame
})"""
STOPPED = ("net::ERR_ABORTED", "net::ERR_FAILED")
"""Of a request that the page or its test has stopped."""
WAIT_MS = 60_000
"""For anything to happen, on a machine that has other work."""
expect.set_options(timeout=WAIT_MS)
SIZES = {1440: 900, 1024: 768, 390: 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


def missing(what: str) -> None:
    """Skip for want of a tool; where nothing may be skipped, fail."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser(plotly_bundle) -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        missing("no Chromium: install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory) -> Iterator[Server]:
    """The service with the real model, as behind a proxy. Ada may ask 1000 times an hour, Bob 3 times."""
    folder = tmp_path_factory.mktemp("live")
    keys = f"{KEY}:Ada:1000,{SMALL_KEY}:Bob:3"
    with serving(folder, API_KEYS=keys, ADMIN_API_KEY=ADMIN_KEY, TRUSTED_PROXY_HOPS="1") as server:
        yield server


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], str]]:
    """Serves an app of the test's own from this process; answers with its address."""
    with ExitStack() as servers:
        yield lambda app: servers.enter_context(served(app))


class Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """The app logs its requests itself."""


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def client_addresses() -> Iterator[str]:
    """Addresses of clients, each of its own /64, so that wrong keys of one test lock out no other."""
    return (f"2001:db8:0:{number:x}::1" for number in count(1))


@pytest.fixture
def open_page(browser, client_addresses) -> Iterator[Callable[[str], Page]]:
    """Opens pages whose addresses begin with the one given, each with a session of its own.

    The test fails if one of them writes an error to the console, breaks the content security policy, asks
    another host for anything, or misses one of its own files. An API's refusal is no fault.
    """
    contexts, problems = [], []

    def opened(address: str) -> Page:
        contexts.append(
            browser.new_context(
                base_url=address,
                viewport={"width": 1440, "height": 900},
                reduced_motion="reduce",
                extra_http_headers={"X-Forwarded-For": next(client_addresses)},
                permissions=["clipboard-read", "clipboard-write"],
            )
        )
        contexts[-1].set_default_timeout(WAIT_MS)
        contexts[-1].add_init_script(VIOLATIONS)
        page = contexts[-1].new_page()
        watch(page, urlsplit(address).netloc, problems)
        return page

    opened.problems = problems
    yield opened
    for context in contexts:
        context.close()
    assert problems == []


def watch(page: Page, host: str, problems: list[str]) -> None:
    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            problems.append(f"console: {message.text}")

    def asked(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != host:
            problems.append(f"request to {request.url}")

    def answered(response: Response) -> None:
        if response.status >= 400 and "/static/" in response.url:
            problems.append(f"{response.status} for {response.url}")

    def failed(request: Request) -> None:
        # Without one module the page does nothing at all, and says no more than that a resource failed
        if "/static/js/" in request.url and request.failure not in STOPPED:
            problems.append(f"{request.failure} for {request.url}")

    page.on("console", heard)
    page.on("requestfailed", failed)
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("request", asked)
    page.on("response", answered)


@pytest.fixture
def page(open_page, live) -> Page:
    """A page of the live server, not yet navigated: `page.goto("/")`."""
    return open_page(live.address)


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """Serious and critical faults that axe-core finds in a page, one line each."""
    if not AXE.exists():
        missing("no axe-core: run `npm ci` or `make test`")
    source = AXE.read_text()

    def faults(page: Page) -> list[str]:
        page.evaluate(source)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [
            f"{fault['id']} ({fault['impact']}): {node['html'][:120]} {node['failureSummary']}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]

    return faults


@pytest.fixture
def layout() -> Callable[[Page], list[str]]:
    """Faults of a page's layout, one line each: wider than the window, text over text, text cut off."""
    return lambda page: page.evaluate(LAYOUT)


@pytest.fixture
def looks() -> Callable[[Page, str], Iterator[str]]:
    """Shows a page light and dark at each width, keeps a screenshot of each, and says which it is."""

    def every(page: Page, name: str) -> Iterator[str]:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, height in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                page.evaluate(DRAWN)
                look = f"{name}-{width}-{scheme}"
                page.screenshot(path=SCREENSHOTS / f"{look}.png", full_page=True)
                yield look

    return every


@pytest.fixture
def bench(page) -> Workbench:
    """The page, not yet navigated: `bench.open_sample()`."""
    return Workbench(page)
