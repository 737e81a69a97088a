"""What is painted: outlines in the colours that the legend names, and sharp at any scale."""

from __future__ import annotations

import json
import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from benchmarks.painting import DROPLETS, RADIUS, SIDE, scene
from tests.browser.workbench import INSIDE

LINES = """
async () => {
  const { now } = await import("/static/js/state.js");
  const { viewer } = await import("/static/js/stage.js");
  const { halfway } = await import("/static/js/outline.js");
  const { scene, canvas, camera } = viewer;
  const sum = (all) => all.reduce((one, other) => one + other, 0);
  const painted = (item) => {
    // Mean colour at the outline's corners.
    const context = canvas.getContext("2d");
    const ring = halfway(item.mask.polygons[0]);
    const corners = Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i], ring[2 * i + 1]]);
    const points = corners.map((corner) => camera.toScreen(...corner).map((part) => part * devicePixelRatio));
    const pixels = points.map((point) => context.getImageData(...point, 1, 1).data);
    return [0, 1, 2].map((i) => sum(pixels.map((pixel) => pixel[i])) / pixels.length);
  };
  return now().pictures[0].items
    .filter((item) => scene.selection.fates[item.key] === "kept")
    .map((item) => ({
      kind: item.mask.kind, beads: scene.selection.beads.get(item.key) ?? 0, inside: item.parent !== null,
      intensity: item.mask.pixel_stats.mean_intensity, asked: scene.colour(item), painted: painted(item),
    }));
}
"""
LEGEND = """
() => [...document.querySelectorAll("#legend .key")].map((key) =>
  [key.textContent, getComputedStyle(key.querySelector(".swatch")).backgroundColor])
"""
# Along the row through a droplet's right edge: from the picture's pixels over the line and on.
PROFILE = """
async () => {
  const { viewer } = await import("/static/js/stage.js");
  const { camera, canvas } = viewer;
  const [x, y] = [canvas.width / 2, canvas.height / 2].map(Math.floor);
  const row = Array.from(canvas.getContext("2d").getImageData(x - 120, y, 240, 1).data);
  const [left, top] = viewer.corner();
  return { scale: camera.scale * devicePixelRatio, row, left, top, x, y };
}
"""
LOOK = """
async ([x, y, scale]) => {
  const { viewer } = await import("/static/js/stage.js");
  viewer.camera.centre(x, y, scale / devicePixelRatio);
  viewer.repaint();
}
"""


def rgb(text: str) -> tuple[int, ...]:
    """Of "rgb(1, 2, 3)" or "#010203"."""
    if text.startswith("#"):
        return tuple(bytes.fromhex(text[1:]))
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def colour_by(bench, name: str) -> list[dict]:
    """Open the sample close up in a colour mode; its outlines as they are painted."""
    bench.open_sample()
    bench.page.locator("#colour-by").select_option(name)
    title = bench.page.locator("#colour-by option:checked").inner_text()
    expect(bench.page.locator("#legend .legend-title")).to_have_text(title)
    bench.page.wait_for_timeout(300)  # the picture is painted sharp once zooming has come to an end
    return bench.page.evaluate(LINES)


def nearest(painted: list[float], colours: list[tuple[int, ...]]) -> int:
    return int(np.argmin([np.abs(np.subtract(painted, colour)).sum() for colour in colours]))


@pytest.mark.model
def test_kinds_have_colours_of_their_own_and_the_legend_names_them(bench):
    lines = colour_by(bench, "kind")
    legend = {name: rgb(colour) for name, colour in bench.page.evaluate(LEGEND)}
    assert list(legend) == ["droplet", "bead", "other"]
    assert len(set(legend.values())) == 3
    assert {line["kind"] for line in lines} >= {"droplet", "bead"}
    for line in lines:
        assert rgb(line["asked"]) == legend[line["kind"]]
    droplets = [line for line in lines if line["kind"] == "droplet"]
    as_named = [
        list(legend)[nearest(line["painted"], list(legend.values()))] == line["kind"] for line in droplets
    ]
    assert np.mean(as_named) > 0.9


@pytest.mark.model
def test_droplets_are_coloured_by_their_beads_and_the_legend_counts_them(bench):
    droplets = [line for line in colour_by(bench, "beads") if line["kind"] == "droplet"]
    legend = [rgb(colour) for _, colour in bench.page.evaluate(LEGEND)]
    counts = {line["beads"] for line in droplets}
    assert len(legend) == max(counts) + 1 >= 3
    assert len(set(legend)) == len(legend)
    for line in droplets:
        assert rgb(line["asked"]) == legend[line["beads"]]
    as_named = [nearest(line["painted"], legend) == line["beads"] for line in droplets]
    assert np.mean(as_named) > 0.9


@pytest.mark.model
def test_droplets_are_coloured_by_intensity_between_the_legends_ends(bench):
    lines = [line for line in colour_by(bench, "intensity") if not line["inside"]]
    low, high = (
        float(text) for text in bench.page.locator("#legend span:not(.legend-title)").all_inner_texts()
    )
    assert low < high
    assert len(lines) >= len(INSIDE)
    lines.sort(key=lambda line: line["intensity"])
    dark, bright = lines[0], lines[-1]
    assert dark["intensity"] <= low * 1.01
    assert bright["intensity"] >= high * 0.99
    yellowness = [rgb(line["asked"])[1] for line in lines]  # green only rises along the scale
    assert yellowness == sorted(yellowness)
    assert len(set(yellowness)) > 10
    assert bright["painted"][1] > dark["painted"][1] + 60


def test_outlines_and_pixels_are_sharp_deep_in_a_large_picture(bench):
    page = bench.page
    picture, answer = scene(SIDE, DROPLETS)
    page.route(
        "**/segment_file",
        lambda route: route.fulfill(status=200, content_type="application/json", body=answer),
    )
    bench.give_key()
    page.set_input_files("#files", {"name": "large.png", "mimeType": "image/png", "buffer": picture})
    expect(bench.count).to_have_text(f"{DROPLETS:,}", timeout=60_000)
    scale = 24
    mask = json.loads(answer)["masks"][DROPLETS // 2]
    x, y = mask["centroid"][0] + RADIUS + 1, mask["centroid"][1] + 0.5
    page.evaluate(LOOK, [x, y, scale])
    page.wait_for_timeout(500)
    seen = page.evaluate(PROFILE)
    assert seen["scale"] == scale
    row = np.reshape(seen["row"], (-1, 4))[:, :3].astype(int)

    coloured = row.max(axis=1) - row.min(axis=1) > 10  # the picture is grey, the line is not
    assert 1 <= coloured.sum() <= 4, "a line of 1.6 px, with a pixel of transition to either side at most"
    middle = np.flatnonzero(coloured).mean()
    assert abs(middle - 120) < scale / 2, "it runs along the droplet's edge"

    grey = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey.shape == (SIDE, SIDE)
    columns = np.floor((seen["x"] - 120 + np.arange(240) + 0.5 - seen["left"]) / scale).astype(int)
    line = int(np.floor((seen["y"] + 0.5 - seen["top"]) / scale))
    exact = grey[line, columns] == row[:, 0]
    assert exact[~coloured].mean() > 0.95, "each of the picture's pixels is one square of its own grey"
