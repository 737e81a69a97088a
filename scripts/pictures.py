"""Make the pictures of docs/labs: `python -m scripts.pictures`.

The real page and model show the pictures of examples/ in Chromium, as the tutorial goes through it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from benchmarks.painting import ARGUMENTS
from benchmarks.service import ADDRESS, KEY, service
from scripts.demo import overlay, post_sample

EXAMPLES = Path("examples")
FOLDER = Path("docs/labs/pictures")
WINDOW: ViewportSize = {"width": 1440, "height": 860}
QUALITY = 80
"""Of the JPEG files: letters stay sharp, and none is over 250 kB."""


def main() -> None:
    """Write them all."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("This needs Chromium: Debian's package chromium.")
    FOLDER.mkdir(exist_ok=True)
    with service(), sync_playwright() as playwright:
        outlines()
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for part in (first_picture, digital_pcr, beads):
            page = browser.new_page(base_url=ADDRESS, viewport=WINDOW, reduced_motion="reduce")
            page.goto("/")
            part(page)
            page.close()
        browser.close()


def outlines() -> None:
    """The overlay that an archive of the sample holds."""
    drawn = overlay(post_sample(ADDRESS, KEY)["masks"])
    pixels = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(FOLDER / "overlay.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])


def first_picture(page: Page) -> None:
    """The start, the sample, its filters, and what it is taken away as."""
    shoot(page, "start")
    give_key(page)
    page.get_by_role("button", name="Try the sample").click()
    wait_for_droplets(page)
    type_into(page, "Micrometres a pixel", "1.14")
    shoot(page, "page", chart="histogram")
    type_into(page, "Diameter: lowest, as a number", "43")
    shoot(page, "filters", chart="histogram")
    page.locator("#filters-clear").click()
    page.get_by_role("tab", name="Export").click()
    shoot(page, "export")


def digital_pcr(page: Page) -> None:
    """The pair, with its threshold, over the fluorescence."""
    give_key(page)
    page.set_input_files("#files", EXAMPLES / "pcr-brightfield.tif")
    wait_for_droplets(page)
    page.get_by_role("tab", name="ddPCR").click()
    page.set_input_files("#fluorescence-file", EXAMPLES / "pcr-fluorescence.tif")
    expect(page.locator("#pcr-figures")).to_contain_text("positive", timeout=60_000)
    page.get_by_role("button", name="Show the fluorescence").click()
    shoot(page, "pcr", chart="scatter")


def beads(page: Page) -> None:
    """Droplets in the colour of how many beads they hold."""
    give_key(page)
    page.set_input_files("#files", EXAMPLES / "beads.png")
    wait_for_droplets(page)
    page.get_by_role("tab", name="Beads").click()
    page.locator("#colour-by").select_option("beads")
    shoot(page, "beads", chart="bead-bars")


def give_key(page: Page) -> None:
    """Enter the key on the start page."""
    page.get_by_role("textbox", name="API key").fill(KEY)
    page.get_by_role("button", name="Keep", exact=True).click()


def wait_for_droplets(page: Page) -> None:
    """Until the picture is analysed."""
    expect(page.locator("#strip .muted")).to_contain_text("droplets", timeout=120_000)


def type_into(page: Page, label: str, text: str) -> None:
    """Fill a field as by keyboard."""
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def shoot(page: Page, name: str, chart: str | None = None) -> None:
    """Write what the window shows, once a chart is drawn where one is named."""
    if chart:
        page.locator(f"#{chart} .nsewdrag").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)  # what follows a click is drawn in the next frames
    page.screenshot(path=FOLDER / f"{name}.jpg", type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main()
