"""This service's accuracy beside stock MobileSAM's and that of classical methods, in one run.

    python -m benchmarks.peers [--set NAME ...] [--skip METHOD ...] [--refined] [--rendered] [--data DIR]

The pictures are those of ../shared/bench/dev, or of another DIR with its score.py beside it, and with
--rendered two of benchmarks.pictures as well. Each is given to

    ours        this service, as it analyses by default (the masks of kind droplet)
    stock       MobileSAM's SamAutomaticMaskGenerator, 32x32 grid, all its masks; slow
    hough       OpenCV's Hough circles as in its tutorial, of any radius
    told        Hough circles, told the smallest and the largest true radius of the picture
    threshold   adaptive threshold, round contours
    watershed   Otsu's threshold, watershed of the distance transform

and with --refined also to "hough refined" and "told refined": the same circles, moved to the edges around
them by the service's own boundary stage. Rules are those of score.py: objects at the border are left out
on both sides, and what lies in an ignored region or is too small is no false positive. "found" counts what
was found by these rules, "true" what there is. Prints a table and, as the last line, JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from benchmarks.classical import contours, distance_watershed, hough, hough_told, refined
from benchmarks.model import CHECKPOINT, HEAD, as_image, forgetful, stock
from benchmarks.pictures import BENCH, DROPLET, load
from droplets.errors import ModelUnavailable
from droplets.finding.segmenter import Segmenter
from droplets.options import AnalysisOptions, Options
from droplets.pipeline import analyze
from droplets.reading.image import decode_image
from droplets.types import Image, Mask

METHODS = ("ours", "stock", "hough", "told", "threshold", "watershed")
RENDERED = ("rendered/dense-1024x1024", "rendered/beads-1920x1200")
THRESHOLDS = (0.5, 0.75, 0.9)
HEADER = (
    "set",
    "method",
    "true",
    "found",
    "precision",
    "recall",
    *(f"F1@{t}" for t in THRESHOLDS),
    "seconds",
)

Region = Any  # of score.py


@dataclass(frozen=True, eq=False)
class Case:
    """A picture, what it truly shows, and what does not count.

    Attributes:
        image: the picture.
        truth: score.py's regions of its droplets.
        ignore: HxW bool, where no object found is wrong.
        smallest: radius in pixels below which no object found is wrong.
        options: of the analysis, as the reference names them.
    """

    image: Image
    truth: list[Region]
    ignore: np.ndarray
    smallest: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def grey(self) -> np.ndarray:
        """HxW uint8."""
        return cv2.cvtColor(self.image.pixels, cv2.COLOR_RGB2GRAY)

    @property
    def radii(self) -> tuple[float, float]:
        """The smallest and the largest in pixels, of droplets that the border does not cut if it can be."""
        whole = [region.radius for region in self.truth if not region.touches_border]
        radii = whole or [region.radius for region in self.truth]
        return min(radii), max(radii)


Method = Callable[[Case], list[Mask]]


@dataclass(eq=False)
class Score:
    """What one method found in the pictures of one set: hits, false and missed ones by IoU threshold."""

    counts: dict[float, list[int]] = field(default_factory=lambda: {t: [0, 0, 0] for t in THRESHOLDS})
    seconds: list[float] = field(default_factory=list)

    def add(self, tallies: dict[float, dict[str, Any]], seconds: float) -> None:
        """One picture's; `tallies` are score.py's by threshold."""
        self.seconds.append(seconds)
        for threshold, one in tallies.items():
            for i, key in enumerate(("tp", "fp", "fn")):
                self.counts[threshold][i] += one[key]

    def row(self, name: str, method: str) -> dict[str, Any]:
        """For the table: shares, counts of droplets, and the median of the seconds a picture."""
        hits, wrong, missed = self.counts[THRESHOLDS[0]]
        return {
            "set": name,
            "method": method,
            "true": hits + missed,
            "found": hits + wrong,
            "precision": hits / max(hits + wrong, 1),
            "recall": hits / max(hits + missed, 1),
            **{f"F1@{t}": 2 * a / max(2 * a + b + c, 1) for t, (a, b, c) in self.counts.items()},
            "seconds": statistics.median(self.seconds),
        }


def main() -> None:
    """Compare and print."""
    args = _arguments()
    script = args.data.parent / "score.py"
    if not script.exists():
        print(f"There are no reference pictures: {script} is missing.")
        return
    score = _module(script)
    try:
        methods = _methods(args)
    except ModelUnavailable as error:
        sys.exit(f"{error.message} --skip ours leaves this service out.")
    rows = []
    print(_line(HEADER))
    for name, cases in _sets(args, score):
        for row in compare(name, cases, methods, score):
            rows.append(row)
            print(_line(row[column] for column in HEADER), flush=True)
    print(json.dumps({"device": args.device, "rows": rows}))


def compare(
    name: str, cases: Iterable[Case], methods: dict[str, Method], score: ModuleType
) -> list[dict[str, Any]]:
    """A row for each method on the pictures of one set; `score` is score.py."""
    scores: defaultdict[str, Score] = defaultdict(Score)
    for case in cases:
        for method, find in methods.items():
            started = time.perf_counter()
            masks = find(case)
            seconds = time.perf_counter() - started
            found = [region(mask, case.image, score) for mask in masks]
            tallies = {t: score.tally(case.truth, found, case.ignore, t, case.smallest) for t in THRESHOLDS}
            scores[method].add(tallies, seconds)
    return [one.row(name, method) for method, one in scores.items()]


def region(mask: Mask, image: Image, score: ModuleType) -> Region:
    """A mask as score.py has it."""
    left, top = mask.x == 0, mask.y == 0
    right, bottom = mask.x + mask.width == image.width, mask.y + mask.height == image.height
    return score.Region(mask.x, mask.y, mask.crop, left or top or right or bottom)


def _methods(args: argparse.Namespace) -> dict[str, Method]:
    """Those that were asked for, models loaded and warm."""
    making: dict[str, Callable[[], Method]] = {
        "ours": lambda: _ours(args),
        "stock": lambda: _stock(args.device),
        "hough": lambda: lambda case: hough(case.grey),
        "told": lambda: lambda case: hough_told(case.grey, *case.radii),
        "threshold": lambda: lambda case: contours(case.grey),
        "watershed": lambda: lambda case: distance_watershed(case.grey),
    }
    methods = {name: make() for name, make in making.items() if name not in args.skip}
    if args.refined:
        methods |= {
            f"{name} refined": _refined(methods[name]) for name in ("hough", "told") if name in methods
        }
    return methods


def _refined(method: Method) -> Method:
    return lambda case: refined(case.grey, method(case))


def _ours(args: argparse.Namespace) -> Method:
    generate = forgetful(Segmenter(CHECKPOINT, args.head, args.device))
    generate(np.zeros((1024, 1024, 3), np.uint8), "balanced", None)

    def find(case: Case) -> list[Mask]:
        found = analyze(case.image, generate, AnalysisOptions(Options(**case.options)))
        return [droplet.mask for droplet in found.droplets if droplet.kind == "droplet"]

    return find


def _stock(device: str) -> Method:
    find = stock(device)
    return lambda case: find(case.image.pixels)


def _sets(args: argparse.Namespace, score: ModuleType) -> Iterator[tuple[str, Iterator[Case]]]:
    names = args.sets or sorted(path.parent.name for path in args.data.glob("*/annotations.json"))
    for name in names:
        yield name, _annotated(args.data / name, score)
    if args.rendered:
        yield "rendered", (_rendered(name, score) for name in RENDERED)


def _annotated(folder: Path, score: ModuleType) -> Iterator[Case]:
    """Pictures of a set that show droplets."""
    known = json.loads((folder / "annotations.json").read_text())
    for picture in known["images"]:
        own = [a for a in known["annotations"] if a["image_id"] == picture["id"]]
        size = picture["height"], picture["width"]
        truth = [_true(a, size, score) for a in own if a["category_id"] == DROPLET]
        if not truth:
            continue
        ignore = np.zeros(size, np.bool_)
        for a in own:
            if a.get("iscrowd"):
                ignore |= score.decode_reference(a, *size)
        image = decode_image((folder / picture["file_name"]).read_bytes(), max_pixels=10**8)
        smallest, options = picture.get("ignore_below_radius", 0), picture.get("options", {})
        yield Case(image, [one for one in truth if one is not None], ignore, smallest, options)


def _true(annotation: dict[str, Any], size: tuple[int, int], score: ModuleType) -> Region | None:
    found = score.crop(score.decode_reference(annotation, *size))
    if found is not None:
        found.touches_border |= bool(annotation.get("touches_border"))
    return found


def _rendered(name: str, score: ModuleType) -> Case:
    """A picture of benchmarks.pictures, whose truth lacks the droplets at the border."""
    picture = load(name)
    image = as_image(picture.pixels)
    truth = [region(mask, image, score) for mask in picture.droplets]
    return Case(image, truth, np.zeros(picture.pixels.shape[:2], np.bool_))


def _module(path: Path) -> ModuleType:
    """score.py, imported from where it lies."""
    spec = importlib.util.spec_from_file_location("reference_score", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


def _line(cells: Iterable[Any]) -> str:
    first, second, *others = cells
    shown = (f"{cell:>11.4f}" if isinstance(cell, float) else f"{cell:>11}" for cell in others)
    return f"{first:20}{second:15}" + "".join(shown)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=BENCH, help="folder of the sets")
    parser.add_argument("--set", action="append", dest="sets", metavar="NAME", help="default: all")
    parser.add_argument("--skip", nargs="+", default=[], choices=METHODS, help="methods to leave out")
    parser.add_argument("--refined", action="store_true", help="move the circles to the edges as well")
    parser.add_argument("--rendered", action="store_true", help="rendered pictures too")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="of the models")
    parser.add_argument("--head", type=Path, default=HEAD, help="file with the head's weights")
    return parser.parse_args()


if __name__ == "__main__":
    main()
