"""Frames a second while a 4096x4096 picture with 3000 outlines is panned in Chromium, without a GPU.

    python -m benchmarks.painting

The service's answer is a made one, so that no model is needed; the page is the real one.
"""

from __future__ import annotations

import json
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from playwright.sync_api import Page, Route, sync_playwright
from werkzeug.serving import make_server

from api.plumbing.services import services
from app import create_app
from config import Settings
from droplets.export.coco import polygons
from droplets.types import Mask

SIDE = 4096
DROPLETS = 3000
RADIUS = 30
SECONDS = 4
KEY = "benchmark-key-0001"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PAN = """
async (seconds) => {
  const canvas = document.getElementById("canvas");
  const box = canvas.getBoundingClientRect();
  const centre = [box.left + box.width / 2, box.top + box.height / 2];
  const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, clientX: x, clientY: y, button: 0, bubbles: true }));
  canvas.setPointerCapture = () => {};
  const frame = () => new Promise(requestAnimationFrame);
  send("pointerdown", ...centre);
  const times = [];
  const end = performance.now() + 1000 * seconds;
  for (let i = 0; performance.now() < end; i++) {
    times.push(await frame());
    send("pointermove", centre[0] + 90 * Math.sin(i / 9), centre[1] + 90 * Math.cos(i / 7));
  }
  send("pointerup", ...centre);
  return times.slice(1).map((time, i) => time - times[i]);
}
"""


def main() -> None:
    """Print frame times at three scales."""
    picture, answer = scene(SIDE, DROPLETS)
    with served() as address, sync_playwright() as playwright:
        path = shutil.which("chromium")
        assert path, "this needs Chromium: Debian's package chromium"
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.route("**/segment_file", lambda route: reply(route, answer))
        page.goto(address)
        page.fill("#start-key-input", KEY)
        page.press("#start-key-input", "Enter")
        page.set_input_files("#files", {"name": "large.png", "mimeType": "image/png", "buffer": picture})
        page.get_by_text(f"{DROPLETS:,} droplets").first.wait_for()
        print(f"{SIDE}x{SIDE} pixels, {DROPLETS} outlines, window {1440}x{900}, no GPU")
        for name, button in (("whole picture", "zoom-fit"), ("100 %", "zoom-actual"), ("125 %", "zoom-in")):
            report(page, name, button)
        browser.close()


def report(page: Page, name: str, button: str) -> None:
    """Pan at the scale that a button sets, and print how fast."""
    page.click(f"#{button}")
    page.wait_for_timeout(500)
    times = page.evaluate(PAN, SECONDS)
    slow = sorted(times)[int(0.95 * len(times))]
    print(
        f"{name:14} {1000 / statistics.mean(times):5.1f} frames/s, "
        f"median {statistics.median(times):5.1f} ms, 95 % under {slow:5.1f} ms"
    )


def scene(side: int, droplets: int) -> tuple[bytes, str]:
    """PNG of a square picture with droplets in rows, and the service's answer to it."""
    grey = np.random.default_rng(1).normal(128, 8, (side, side)).clip(0, 255).astype(np.uint8)
    columns = int(np.ceil(np.sqrt(droplets)))
    pitch = side / columns
    rows, cells = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disc = rows**2 + cells**2 <= RADIUS**2
    masks = []
    for i in range(droplets):
        x, y = int((i % columns + 0.5) * pitch), int((i // columns + 0.5) * pitch)
        cv2.circle(grey, (x, y), RADIUS, 60, 3)
        masks.append(entry(i, Mask(x - RADIUS, y - RADIUS, disc)))
    info = {"width": side, "height": side, "bit_depth": 8, "format": "PNG", "pixel_size_um": None}
    answer = {
        "success": True,
        "image": {
            **info,
            "pixel_size_source": None,
            "notes": [],
            "axes": {"frames": 1, "planes": 1, "channels": []},
        },
        "masks": masks,
        "ddpcr": None,
    }
    return cv2.imencode(".png", grey)[1].tobytes(), json.dumps(answer)


def entry(i: int, mask: Mask) -> dict[str, object]:
    """A mask as the service sends it."""
    light = {f"{name}_intensity": 90 + i % 60 for name in ("mean", "min", "max", "std", "median")}
    return {
        "id": i,
        "kind": "droplet",
        "confidence": 1,
        "bbox": mask.box,
        "area": mask.area,
        "centroid": mask.centroid,
        "polygons": polygons(mask),
        "equivalent_diameter": 2 * RADIUS + i % 7,
        "max_feret_diameter": 2 * RADIUS,
        "circularity": 1,
        "solidity": 1,
        "found_by": "head",
        "predicted_iou": 1,
        "stability_score": 1,
        "parent_id": None,
        "children": [],
        "pixel_stats": {**light, "pixel_count": mask.area},
        "edge_stats": {"min_distance_to_edge": 3, "touches_edge": False},
        "fluorescence": None,
        "excluded": None,
    }


def reply(route: Route, answer: str) -> None:
    """Answer in the service's place."""
    route.fulfill(status=200, content_type="application/json", body=answer)


@contextmanager
def served() -> Iterator[str]:
    """Address of the real service, without a model."""
    with TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None, api_keys=f"{KEY}:benchmark:100", data_dir=Path(folder), log_level="ERROR"
        )
        app = create_app(settings)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        services(app).close()


if __name__ == "__main__":
    main()
