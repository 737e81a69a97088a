"""How far each tuned number may be moved with the scores of rendered pictures within 0.002 of their own.

    python -m benchmarks.ranges [--stage edges] [--name lowest]

Prints lowest and highest value of each number of droplets/settings.py; tests/benchmarks/test_ranges.py holds
what is written down there. The masks to begin with are the rendered truth, displaced and resized as a
finder's are, with doubles, clumps and specks among them: what is measured is what the stages make of masks.

Scores: of pictures, the mean of the panoptic quality of droplets (Kirillov et al., CVPR 2019) and of the
share of beads found and of beads that are real; of pairs, the share of droplets told right from positive and
negative; of scale bars, the share read right, with pictures that have none.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from droplets.annotations.scale_bar import find_scale_bar
from droplets.ddpcr.evaluate import digital_pcr
from droplets.ddpcr.options import DdpcrOptions
from droplets.objects.measure import border_distance, intensity, shape
from droplets.options import AnalysisOptions
from droplets.pipeline import analyze
from droplets.settings import StageSettings
from droplets.tuning import Tuned, tuned_numbers
from droplets.types import Droplet, Generation, Image, Mask
from training.rendering.bars import FONTS, draw_bar
from training.rendering.discs import pack_discs
from training.rendering.plain import TrueDroplet, render_brightfield, render_pair
from training.rendering.scenes import render
from training.rendering.truth import Outline, circle
from training.validate import as_stars, best_ious

TOLERANCE = 0.002
"""By which a score may change."""
FACTORS = (1.5, 1.25, 1.1, 1.05, 1.02)
"""By which a number is moved up and down: the first with which the score stays."""
SIDE = 256
"""Of the pictures, in pixels."""
LOOKS = ("emulsion", "glowing", "dark_field", "foam", "wells", "only_beads")
FEWEST, MOST_OBJECTS = 10, 100
"""In a picture: so that all are soon done."""
MOST_OF_ONE = 60
"""Objects that a picture counts for at most."""
SEEN = 4.0
"""Pixels of radius from which a finder sees what lies in droplets."""

Score = Callable[[StageSettings], float]


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, the masks to begin with, and its truth.

    Attributes:
        image: the picture.
        masks: of a finder that is neither exact nor free of errors.
        droplets: true masks of droplets that lie in none.
        beads: Nx3 (x, y, radius) of what lies in them.
    """

    image: Image
    masks: list[Mask]
    droplets: list[Mask]
    beads: NDArray[np.float64]


def _scene(pixels: NDArray[np.uint8], objects: list[Outline], seed: int) -> Scene:
    random = np.random.default_rng(seed)
    height, width = pixels.shape[:2]
    inside = [one for one in objects if 0 <= one.x < width and 0 <= one.y < height]
    outer = [one for one in inside if not one.inner]
    inner = [one for one in inside if one.inner and one.radius > SEEN]
    masks = [
        replace(mask, predicted_iou=float(random.uniform(0.5, 1)))
        for layer, some in enumerate((outer, inner))
        for mask in as_stars([_displaced(one, random) for one in some], layer).masks(width, height)
    ]
    image = Image(pixels, pixels[..., 0] if (pixels == pixels[..., :1]).all() else pixels, 8, "PNG")
    counted = [one for one in outer if one.counts and not one.bead]
    beads = [(one.x, one.y, one.radius) for one in inside if one.counts and one.bead]
    return Scene(
        image,
        masks + _errors(outer, random, width, height),
        as_stars(counted, 0).masks(width, height),
        np.array(beads, float).reshape(-1, 3),
    )


def _displaced(one: Outline, random: np.random.Generator) -> Outline:
    x, y = random.normal(0, 0.03 * one.radius, 2)
    return replace(one, x=one.x + x, y=one.y + y, radii=one.radii * np.exp(random.normal(-0.02, 0.04)))


def _errors(outer: list[Outline], random: np.random.Generator, width: int, height: int) -> list[Mask]:
    """Doubles, clumps of two and specks, of which nobody knows whether they lie in something."""
    wrong: list[Outline] = []
    for one in outer:
        luck = random.uniform()
        if luck < 0.06:
            wrong.append(replace(_displaced(one, random), radii=one.radii * random.uniform(0.7, 1.15)))
        elif luck < 0.1:
            wrong.append(replace(one, x=one.x + one.radius, radii=1.5 * one.radii))
        elif luck < 0.14:
            wrong.append(circle(*random.uniform(0, (width, height)), random.uniform(0.15, 0.45) * one.radius))
    drawn = as_stars(wrong, 0).masks(width, height)
    return [replace(mask, inner=None, bead_probability=None, predicted_iou=0.45) for mask in drawn]


@cache
def scenes() -> list[Scene]:
    """One of each look, and two emulsions with beads."""
    found: dict[str, Scene] = {}
    seed = 0
    while len(found) < len(LOOKS):
        picture = render(seed, width=SIDE, height=SIDE)
        wanted = picture.look in LOOKS and picture.look not in found
        if wanted and FEWEST < len(picture.objects) < MOST_OBJECTS:
            found[picture.look] = _scene(picture.pixels, picture.objects, seed)
        seed += 1
    plain = [
        render_brightfield(SIDE, SIDE, count=count, diameter=diameter, beads_per_droplet=0.7, seed=seed)
        for count, diameter, seed in ((28, 36.0, 1), (60, 24.0, 2))
    ]
    beads = []
    for i, rendering in enumerate(plain):
        objects = [droplet.outline for droplet in rendering.droplets]
        inner = [circle(*bead, inner=True, bead=True) for one in rendering.droplets for bead in one.beads]
        pixels = np.repeat(np.asarray(rendering.pixels, np.uint8)[..., None], 3, axis=2)
        beads.append(_scene(pixels, objects + inner, i))
    return [*found.values(), *beads]


def pictures(how: StageSettings) -> float:
    """Panoptic quality of droplets and F1 of beads, the mean, over all objects of `scenes`."""
    matched = missed = real = known = 0.0
    iou = 0.0
    for scene in scenes():
        masks = scene.masks

        def generate(*_: object, masks: list[Mask] = masks) -> Generation:
            return Generation(masks, {"queue": 0.0, "encode": 0.0, "generate": 0.0})

        wanted = AnalysisOptions()
        droplets = analyze(scene.image, generate, wanted, how=how).droplets
        outer = [one.mask for one in droplets if one.parent is None and one.kind == "droplet"]
        beads = [one.mask.centroid for one in droplets if one.kind == "bead"]
        hits, missing = _matched(outer, scene)
        weight = min(1.0, MOST_OF_ONE / max(1, len(scene.droplets)))
        iou += weight * sum(hits)
        matched += weight * len(hits)
        missed += weight * missing
        real += _found(beads, scene.beads)
        known += len(beads) + len(scene.beads)
    return (iou / (matched + missed / 2) + 2 * real / known) / 2


def _matched(found: list[Mask], scene: Scene) -> tuple[list[float], int]:
    """IoU of each pair over one half, and the number of objects without a partner.

    What the border cuts off is no droplet of the answer, and not missed.
    """
    width, height = scene.image.width, scene.image.height
    true = [mask for mask in scene.droplets if not border_distance(mask, width, height).touching]
    ious = best_ious(found, true)
    pairs = zip(*linear_sum_assignment(-ious), strict=True)
    hits = [float(ious[i, j]) for i, j in pairs if ious[i, j] > 1 / 2]
    return hits, len(found) + len(true) - 2 * len(hits)


def _found(places: list[tuple[float, float]], beads: NDArray[np.float64]) -> int:
    """Number of beads with one of the places within their radius and a pixel."""
    if not places or not len(beads):
        return 0
    away, nearest = cKDTree(places).query(beads[:, :2])
    near = away <= beads[:, 2] + 1
    return len(set(nearest[near].tolist()))


@dataclass(frozen=True, eq=False)
class Pair:
    """Droplets of a picture, and a fluorescence picture of them after they have moved; which are positive."""

    droplets: list[Droplet]
    fluorescence: NDArray[np.generic]
    positive: NDArray[np.bool_]


@cache
def pairs() -> list[Pair]:
    """Sparse and dense ones, shifted and still, of well and of poorly separated positives."""
    kinds = (
        (0.6, (21.0, -14.0), 9000.0, 0.3),
        (0.85, (-6.0, 4.0), 3000.0, 0.05),
    )
    return [_pair(i, *kind) for i, kind in enumerate(kinds)]


def _pair(seed: int, fill: float, shift: tuple[float, float], light: float, part: float) -> Pair:
    random = np.random.default_rng(seed)
    radius, margin, side = 9.0, 36, 220
    field = side + 2 * margin
    count = int(fill * field**2 / (2 * np.sqrt(3) * (radius + 0.5) ** 2))
    centres = pack_discs(field, field, np.full(count, 1.05 * radius), touching=0, random=random) - margin
    positive = random.uniform(size=len(centres)) < part
    levels = np.where(positive, light, 900.0) * np.clip(random.normal(1, 0.08, len(centres)), 0.5, 1.5)
    true = [
        TrueDroplet(x, y, radius, touches_border=False, positive=bool(p), intensity=float(i))
        for (x, y), p, i in zip(centres.tolist(), positive, levels, strict=True)
    ]
    swirl = 2 * np.sin(3 * centres[:, ::-1] / side)
    bright, fluorescence = render_pair(side, side, true, centres + shift + swirl, seed=seed)
    whole = np.flatnonzero(((centres > radius + 1) & (centres < side - 2 - radius)).all(axis=1))
    masks = as_stars([true[i].outline for i in whole], 0).masks(side, side)
    droplets = [
        Droplet(
            mask=mask,
            kind="droplet",
            parent=None,
            intensity=intensity(bright.pixels, mask),
            shape=shape(mask),
            border=border_distance(mask, side, side),
            confidence=1.0,
        )
        for mask in masks
    ]
    return Pair(droplets, fluorescence.pixels, positive[whole])


def digital(how: StageSettings) -> float:
    """Share of the counted droplets of `pairs` that are told right; none where it is not told."""
    right = counted = 0
    for pair in pairs():
        answered = digital_pcr(
            pair.droplets, [pair.fluorescence], DdpcrOptions(), None, same_frame=False, how=how.ddpcr
        )[1]
        for one, positive in zip(answered, pair.positive.tolist(), strict=True):
            if one.fluorescence is not None:
                counted += 1
                right += one.fluorescence.positive is positive
    return right / counted


@cache
def bars() -> list[tuple[NDArray[np.uint8], float | None]]:
    """Pictures with the micrometres of their bar; None where they have none."""
    found: list[tuple[NDArray[np.uint8], float | None]] = []
    for seed in range(4):
        grey = np.asarray(render_brightfield(420, 300, count=45, diameter=38, seed=seed).pixels, np.uint8)
        plain = np.repeat(grey[..., None], 3, axis=2)
        found.append((plain, None))
        for i, font in enumerate(FONTS):
            um, size = (50, 100, 200, 25)[seed], (16, 20, 26, 34)[(seed + i) % 4]
            found.append((draw_bar(plain, f"{um} µm", font=font, size=size), um))
    return found


def read(how: StageSettings) -> float:
    """Share of the `bars` that are read right."""
    readings = [(find_scale_bar(pixels, how.annotations), um) for pixels, um in bars()]
    return float(np.mean([(bar.um if bar else None) == um for bar, um in readings]))


SCORES: dict[str, Score] = {
    "annotations": read,
    "edges": pictures,
    "objects": pictures,
    "contents": pictures,
    "ddpcr": digital,
}
"""By the stage, as `StageSettings` names it."""


def numbers(stage: str) -> dict[str, Tuned]:
    """The tuned numbers of a stage whose range is asked for."""
    return tuned_numbers(type(getattr(StageSettings(), stage)))


def changed(stage: str, name: str, value: float) -> StageSettings:
    """Settings with another value of one number."""
    usual = StageSettings()
    return replace(usual, **{stage: replace(getattr(usual, stage), **{name: value})})


def moved(value: float, factor: float) -> float:
    """The value times the factor; of shares over one half what is left to 1 is divided by it instead."""
    if isinstance(value, int):
        step = max(1, round(abs(value) * abs(factor - 1)))
        return value + step if factor > 1 else value - step
    if 1 / 2 < value < 1:
        return 1 - (1 - value) / factor
    return value * factor


def furthest(stage: str, name: str, factors: Iterable[float], usual: float) -> float:
    """The value, of those that the factors give, the furthest first, with which the score stays."""
    value: float = getattr(getattr(StageSettings(), stage), name)
    values = (moved(value, factor) for factor in factors)
    return next((one for one in values if stays(stage, name, one, usual)), value)


def stays(stage: str, name: str, value: float, usual: float) -> bool:
    """Whether the stage's score is the usual one with another value of a number."""
    return abs(SCORES[stage](changed(stage, name, value)) - usual) <= TOLERANCE


def main() -> None:
    """Move each number and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", choices=tuple(SCORES))
    parser.add_argument("--name")
    args = parser.parse_args()
    for stage in [args.stage] if args.stage else SCORES:
        usual = SCORES[stage](StageSettings())
        print(f"{stage}: score {usual:.4f}", flush=True)
        for name in [args.name] if args.name else numbers(stage):
            search = partial(furthest, stage, name)
            low = search((1 / factor for factor in FACTORS), usual)
            high = search(FACTORS, usual)
            print(f"    {name}: ({min(low, high):.4g}, {max(low, high):.4g})", flush=True)


if __name__ == "__main__":
    main()
