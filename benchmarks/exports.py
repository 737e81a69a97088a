"""What the export of an analysis costs, a format at a time.

    OMP_NUM_THREADS=1 python -m benchmarks.exports [--droplets 3000] [--diameter 40]

Prints the CPU seconds (median of five) and bytes of each format of droplets/export for a rendered
picture of so many droplets, as their true discs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np

from droplets.analysis import Analysis
from droplets.export.bundle import bundle
from droplets.export.coco import coco_json
from droplets.export.geojson import feature_collection
from droplets.export.imagej import roi_set
from droplets.export.labels import label_tiff
from droplets.export.outlines import outlines
from droplets.export.overlay import overlay_png
from droplets.export.table import csv_table
from droplets.figures.sizes import summary
from droplets.objects.measure import border_distance, intensity, shape
from droplets.types import Droplet, Image, Mask
from training.rendering.plain import TrueDroplet, render_brightfield

PITCH = 1.25  # of the droplets, in diameters


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--droplets", type=int, default=3000)
    parser.add_argument("--diameter", type=float, default=40.0)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    image, analysis = _analysis(args.droplets, args.diameter)
    masks = [droplet.mask for droplet in analysis.droplets]
    figures = summary(analysis.droplets, None)
    print(f"{len(masks)} droplets of {args.diameter} px in {image.width} x {image.height}")
    _report("outlines alone", lambda: [outlines(mask) for mask in masks] and b"")
    _report("droplets.csv", lambda: csv_table(analysis).encode())
    _report("masks_coco.json", lambda: coco_json(image, analysis, name="").encode())
    _report("rois_imagej.zip", lambda: roi_set(analysis))
    _report("outlines.geojson", lambda: feature_collection(analysis).encode())
    _report("labels.tif", lambda: label_tiff(image, analysis))
    _report("overlay.png", lambda: overlay_png(image, masks))
    _report("bundle", lambda: bundle(image, analysis, name="", summary=figures))


def _analysis(count: int, diameter: float) -> tuple[Image, Analysis]:
    side = int(PITCH * diameter * count**0.5)
    rendering = render_brightfield(side, side, count=count, diameter=diameter, diameter_cv=0.05)
    grey = rendering.pixels
    droplets = [
        Droplet(mask, "droplet", None, intensity(grey, mask), shape(mask), border_distance(mask, side, side))
        for mask in (_disc(true, side) for true in rendering.droplets)
        if mask is not None
    ]
    pixels = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    return Image(pixels, grey, 8, "PNG"), Analysis(droplets, count, {}, {})


def _disc(true: TrueDroplet, side: int) -> Mask | None:
    left, top = int(max(0, true.x - true.radius)), int(max(0, true.y - true.radius))
    right, bottom = (int(min(side, centre + true.radius + 2)) for centre in (true.x, true.y))
    rows, columns = np.mgrid[top:bottom, left:right]
    return Mask.from_array((columns - true.x) ** 2 + (rows - true.y) ** 2 <= true.radius**2, left, top)


def _report(name: str, action: Callable[[], bytes]) -> None:
    took = []
    for _ in range(5):
        started = time.process_time()
        content = action()
        took.append(time.process_time() - started)
    print(f"  {name:20}{statistics.median(took):8.3f} s{len(content):12}")


if __name__ == "__main__":
    main()
