"""What the tests of the page do again and again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.conftest import KEY, ROOT

SAMPLE = ROOT / "examples" / "droplets.png"
WIDTH, HEIGHT = 640, 480
PAD = 24  # CSS pixels around a picture that is fitted
TRUTH = json.loads((ROOT / "examples" / "droplets.json").read_text())["droplets"]
INSIDE = [each for each in TRUTH if not each["touches_border"]]
CUT = next(d for d in TRUTH if d["touches_border"] and 30 < d["x"] < 600 and 5 < d["y"] < 475)
"""A droplet that the border cuts off, so that the service leaves it out."""
EMPTY = [each for each in INSIDE if not each["beads"]]


@dataclass
class Workbench:
    """The page with a picture on it."""

    page: Page

    def give_key(self, key: str = KEY) -> None:
        self.page.goto("/")
        self.page.get_by_role("textbox", name="API key").fill(key)
        self.page.get_by_role("button", name="Keep", exact=True).click()

    def open_sample(self, key: str = KEY) -> None:
        self.give_key(key)
        self.page.get_by_role("button", name="Try the sample").click()
        expect(self.count).to_have_text(str(len(INSIDE)), timeout=120_000)

    @property
    def count(self) -> Locator:
        """Number of droplets at the top of the results."""
        return self.page.locator("#figures strong").first

    def shown(self, kind: str) -> int:
        """Number of kept objects of a kind."""
        text = self.page.locator(f"#kinds [data-kind={kind}]").inner_text()
        return int(re.search(r"\d+", text)[0])

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the fitted sample is on the screen."""
        box: FloatRect = self.page.locator("#canvas").bounding_box()
        scale = min((box["width"] - 2 * PAD) / WIDTH, (box["height"] - 2 * PAD) / HEIGHT)
        left = box["x"] + (box["width"] - WIDTH * scale) / 2
        top = box["y"] + (box["height"] - HEIGHT * scale) / 2
        return left + (x + 0.5) * scale, top + (y + 0.5) * scale

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def tool(self, name: str) -> None:
        self.page.locator(f"button[data-tool={name}]").click()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def plotted(self, chart: str) -> FloatRect:
        """Where a chart's figures are on the screen, between its axes."""
        return self.page.locator(f"#{chart} .nsewdrag").bounding_box()

    def limit(self, figure: str, end: str, value: float | None) -> None:
        """Type an end of a figure's range."""
        field = self.page.get_by_label(f"{figure}: {end}, as a number", exact=True)
        field.fill("" if value is None else str(value))
        field.press("Enter")

    def enclose(self, left: float, top: float, right: float, bottom: float, tool: str = "region") -> None:
        """Draw a rectangle with a tool that draws round something."""
        mouse, keyboard = self.page.mouse, self.page.keyboard
        self.tool(tool)
        keyboard.down("Shift")
        mouse.move(*self.at(left, top))
        mouse.down()
        mouse.move(*self.at((left + right) / 2, (top + bottom) / 2))
        mouse.move(*self.at(right, bottom))
        mouse.up()
        keyboard.up("Shift")
