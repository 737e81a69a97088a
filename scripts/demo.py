"""Post the sample picture to the service and say what it found; starts the service if it is not running."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config import load_settings
from droplets.export.coco import mask_from_rle
from droplets.export.kinds import COLOURS
from droplets.export.overlay import overlay_png
from droplets.reading.image import decode_image
from scripts.keys import client_key

SAMPLE = Path(__file__).parent.parent / "examples" / "droplets.png"
OVERLAY = Path("out/droplets-overlay.png")
BOUNDARY = "------------------------droplets"


def main() -> None:
    """Segment the sample; print count, mean diameter and where the overlay is."""
    address = f"http://{load_settings().address}"
    key = client_key()
    if key is None:
        sys.exit("API_KEYS holds only digests; the demo needs a key.")
    with running_service(address):
        answer = post_sample(address, key)
    droplets = answer["summary_statistics"]["count"]["droplet"]
    diameter = answer["summary_statistics"]["diameter"]
    OVERLAY.parent.mkdir(exist_ok=True)
    OVERLAY.write_bytes(overlay(answer["masks"]))
    print(f"droplets       {droplets}")
    print(f"beads          {answer['summary_statistics']['count']['bead']}")
    if droplets > 1:
        print(f"mean diameter  {diameter['mean']:.1f} px (CV {100 * diameter['cv']:.1f} %)")
    print(f"seconds        {answer['timing_ms']['total'] / 1000:.1f}")
    print(f"overlay        {OVERLAY}")


def overlay(entries: Sequence[Any]) -> bytes:
    """PNG of the sample with the outlines of an answer's masks, coloured by kind."""
    drawn = [(mask, COLOURS[e["kind"]]) for e in entries if (mask := mask_from_rle(e["segmentation"]))]
    sample = decode_image(SAMPLE.read_bytes(), max_pixels=10**8)
    return overlay_png(sample, [mask for mask, _ in drawn], [colour for _, colour in drawn])


@contextmanager
def running_service(address: str) -> Iterator[None]:
    """The service at `address`: the one that answers there already, or one of our own for the while."""
    if is_healthy(address):
        yield
        return
    service = subprocess.Popen([sys.executable, "-m", "gunicorn", "app:create_app()"])
    try:
        deadline = time.monotonic() + 120
        while not is_healthy(address):
            if service.poll() is not None or time.monotonic() > deadline:
                sys.exit("The service did not start; its messages stand above.")
            time.sleep(0.2)
        yield
    finally:
        service.terminate()
        service.wait(60)


def is_healthy(address: str) -> bool:
    """Whether a service answers at `address`."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:  # noqa: S310
            return bool(json.load(answer)["status"] == "healthy")
    except (OSError, ValueError, KeyError):
        return False


def post_sample(address: str, key: str) -> Any:
    """Answer of /segment_file to the sample picture."""
    body = (
        f"--{BOUNDARY}\r\n".encode()
        + f'Content-Disposition: form-data; name="file"; filename="{SAMPLE.name}"\r\n\r\n'.encode()
        + SAMPLE.read_bytes()
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )
    headers = {"X-API-Key": key, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    request = urllib.request.Request(f"{address}/segment_file", body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"The service answered {error.code}: {json.load(error)['message']}")


if __name__ == "__main__":
    main()
