"""Validates a trained head on rendered pictures that it has not seen, and chooses what goes with its weights.

Half of the pictures are of looks that training never sees. Thresholds are chosen on all of them, and on all
the expected IoU of what is reported is calibrated (its mean true value by steps of what is expected, never
falling: Zadrozny and Elkan, 2002). How well that is done is told by pictures that a curve has not seen: each
tenth of the seeds with a curve from all others. Objects of a picture err together, so how sure that is comes
from drawing pictures anew (Efron's bootstrap, 1979).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from droplets.finding.decode import Thresholds, read_off
from droplets.finding.head import LAYERS
from droplets.finding.network import Network
from droplets.finding.one_pass import Looking, look
from droplets.finding.stars import Stars
from droplets.finding.weights import load_head
from droplets.sam.checkpoint import load_sam
from droplets.types import Mask
from training.frames import CHECKPOINT, whole
from training.rendering.truth import Outline
from training.targets import ray_lengths

FIRST_SEED = 1_000_000
"""Of validation; training's are lower."""
LOW = Thresholds(heat=0.1, expected_iou=0.05, inner_heat=0.1, inner_expected_iou=0.05)
HEATS, IOUS, RELATIVES = (
    (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6),
    (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
)
IOU_STEPS = (0.5, 0.75, 0.9)
CURVE_STEPS, TAKEN_ON_TRUST = 20, 1.0
"""Of the calibration, and the objects that each step is given as if what is expected were right."""
FOLDS, DRAWS = 10, 200
"""Parts of the seeds that calibration is judged by, and times that pictures are drawn anew for its errors."""
LEAST = 10
"""Pictures with objects of a tenth from which on it is judged."""
MOST_OF_ONE = 50
"""Objects that a picture counts for at most where the expected IoU is calibrated and judged."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Checked:
    """A validation picture: what is found at all scales, and the true objects of each layer.

    Attributes:
        look: of the picture.
        found: whatever the head may mean, by low thresholds.
        truth, ignored: by layer, the objects that count and those that do not.
        size: (W, H).
    """

    look: str
    found: Stars
    truth: list[Stars]
    ignored: list[Stars]
    size: tuple[int, int]


def as_stars(objects: Sequence[Outline], layer: int) -> Stars:
    """Outlines as the head would give them if it were perfect."""
    if not objects:
        return Stars.none()
    centre = np.array([(one.x, one.y) for one in objects])
    rays = np.concatenate([ray_lengths(one, centre[i : i + 1]) for i, one in enumerate(objects)])
    ones = np.ones(len(objects))
    return Stars(
        centre,
        rays,
        np.full(len(objects), layer, np.int64),
        np.array([float(one.bead) for one in objects]),
        ones,
        ones,
    )


def check(network: Network, seed: int, *, held_out: bool) -> Checked:
    """Render and ask."""
    picture, _ = whole(seed, held_out=held_out)
    height, width = picture.pixels.shape[:2]
    inside = [one for one in picture.objects if 0 <= one.x < width and 0 <= one.y < height]
    layers = [[one for one in inside if one.inner == (layer == "inner")] for layer in LAYERS]
    truth = [as_stars([one for one in some if one.counts], i) for i, some in enumerate(layers)]
    ignored = [as_stars([one for one in some if not one.counts], i) for i, some in enumerate(layers)]
    found = look(network.answer, picture.pixels, Looking(thresholds=LOW)).stars
    return Checked(picture.look, found, truth, ignored, (width, height))


def best_ious(found: Sequence[Mask], truth: Sequence[Mask]) -> Floats:
    """NxM IoU of masks; a matrix with few entries over 0."""
    ious = np.zeros((len(found), len(truth)))
    if not len(found) or not len(truth):
        return ious
    boxes = [np.array([(m.x, m.y, m.x + m.width, m.y + m.height) for m in masks]) for masks in (found, truth)]
    low = np.maximum(boxes[0][:, None, :2], boxes[1][None, :, :2])
    high = np.minimum(boxes[0][:, None, 2:], boxes[1][None, :, 2:])
    for i, j in np.argwhere((low < high).all(axis=2)):
        ious[i, j] = found[i].iou(truth[j])
    return ious


def matched(ious: Floats) -> list[tuple[int, int, float]]:
    """Pairs of found and true, each once, best first."""
    order = np.argsort(-ious, axis=None)[: int((ious > 0.3).sum())]
    taken: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for i, j in zip(*np.unravel_index(order, ious.shape), strict=True):
        if i not in taken[0] and j not in taken[1]:
            taken[0].add(int(i))
            taken[1].add(int(j))
            pairs.append((int(i), int(j), float(ious[i, j])))
    return pairs


@dataclass(frozen=True, eq=False)
class Result:
    """Of one layer of one picture.

    Attributes:
        heat, expected: of what was found.
        iou: of the true object that it matches, 0 if there is none.
        judged: False where it is an object that does not count.
        missed: true objects that nothing matches, of `total`.
    """

    heat: Floats
    expected: Floats
    iou: Floats
    judged: NDArray[np.bool_]
    total: int


def compare(checked: Checked) -> list[Result]:
    """What is found against what is there, by layer."""
    found, results = checked.found, []
    for layer in range(len(LAYERS)):
        own, masks = _drawn(found.take(found.layer == layer), checked.size)
        truth, ignored = (stars[layer].masks(*checked.size) for stars in (checked.truth, checked.ignored))
        iou, judged = np.zeros(len(masks)), np.ones(len(masks), bool)
        for i, _, value in matched(best_ious(masks, truth)):
            iou[i] = value
        if ignored:
            judged = ~((best_ious(masks, ignored).max(axis=1, initial=0) > 0.2) & (iou < 0.3))
        results.append(Result(own.heat, own.expected_iou, iou, judged, len(truth)))
    return results


def _drawn(stars: Stars, size: tuple[int, int]) -> tuple[Stars, list[Mask]]:
    """Those that cover a pixel, and their masks."""
    masks = [stars.take(slice(i, i + 1)).masks(*size) for i in range(len(stars))]
    return stars.take(np.array([bool(own) for own in masks], bool)), [own[0] for own in masks if own]


@dataclass(frozen=True)
class Choice:
    """Thresholds of a layer; see `droplets.finding.decode.Thresholds`."""

    heat: float
    expected: float
    relative: float = 0.0

    def keeps(self, one: Result) -> NDArray[np.bool_]:
        """N: which of the objects found would be kept."""
        kept = (one.heat > self.heat) & (one.expected > self.expected)
        score = one.heat * one.expected
        if kept.any():
            kept &= score >= self.relative * float(np.median(score[kept]))
        return np.asarray(kept)


def f1(results: Sequence[Result], choice: Choice, least: float) -> float:
    """Of all results together, with what the thresholds leave."""
    right = wrong = total = 0
    for one in results:
        kept = choice.keeps(one) & one.judged
        right += int((one.iou[kept] >= least).sum())
        wrong += int((one.iou[kept] < least).sum())
        total += one.total
    return 2 * right / max(right + wrong + total, 1)


def mean_f1(results: Sequence[Result], choice: Choice, least: float) -> float:
    """Mean over pictures, so that those with few droplets count too; an empty one is right if left empty."""
    values = []
    for one in results:
        nothing = not (choice.keeps(one) & one.judged).any()
        values.append(f1([one], choice, least) if one.total else float(nothing))
    return float(np.mean(values))


def calibration(results: Sequence[Result]) -> list[float]:
    """Mean true IoU for what is expected in each of `CURVE_STEPS` even steps, never falling.

    Arguments:
        results: of what would be reported, see `reported`; pictures weigh as `weights` says.
    """
    middle = (np.arange(CURVE_STEPS) + 0.5) / CURVE_STEPS
    number, total = np.full(CURVE_STEPS, TAKEN_ON_TRUST), TAKEN_ON_TRUST * middle
    for one in results:
        step = np.minimum((CURVE_STEPS * one.expected).astype(int), CURVE_STEPS - 1)
        number = number + np.bincount(step, weights(len(step)), CURVE_STEPS)
        total = total + np.bincount(step, weights(len(step)) * one.iou, CURVE_STEPS)
    curve = isotonic_regression(total / number, weights=number).x
    return [round(float(value), 4) for value in curve]


def reported(result: Result, choice: Choice) -> Result:
    """What would be reported of a picture, and is judged."""
    kept = choice.keeps(result) & result.judged
    return Result(
        result.heat[kept], result.expected[kept], result.iou[kept], result.judged[kept], result.total
    )


def weights(count: int, most: int = MOST_OF_ONE) -> Floats:
    """Of the objects of a picture: all alike, and no more than `most` in all."""
    return np.full(count, min(1.0, most / max(count, 1)))


def crosswise(results: Sequence[Result]) -> list[Result]:
    """Each of `FOLDS` parts with a curve from all others; the two pictures of a seed go together."""
    part = np.arange(len(results)) // 2 % FOLDS
    curves = [
        calibration([one for one, own in zip(results, part, strict=True) if own != fold])
        for fold in range(FOLDS)
    ]
    return [
        replace(one, expected=read_off(one.expected, curves[own]))
        for one, own in zip(results, part, strict=True)
    ]


@dataclass(frozen=True)
class Tenth:
    """Of what is reported with an expected IoU within a tenth.

    Attributes:
        number: of objects.
        expected, true: mean IoU, weighted by `weights`.
        error: standard error of their difference.
    """

    number: int
    expected: float
    true: float
    error: float


def reliability(results: Sequence[Result]) -> list[Tenth]:
    """Each tenth that shows in `LEAST` pictures or more."""
    number, sums = np.zeros((len(results), 10)), np.zeros((3, len(results), 10))
    for i, one in enumerate(results):
        tenth, weight = np.minimum((10 * one.expected).astype(int), 9), weights(len(one.iou))
        number[i] = np.bincount(tenth, minlength=10)
        for values, own in zip((weight, weight * one.expected, weight * one.iou), sums, strict=True):
            own[i] = np.bincount(tenth, values, 10)
    drawn = np.random.default_rng(0).multinomial(len(results), np.full(len(results), 1 / len(results)), DRAWS)
    tenths = np.flatnonzero(np.count_nonzero(number, axis=0) >= LEAST)
    return [_tenth(int(number[:, i].sum()), sums[:, :, i], drawn) for i in tenths.tolist()]


def _tenth(number: int, sums: Floats, drawn: NDArray[np.int64]) -> Tenth:
    """From sums of weights, expected and true IoU of each picture, which are drawn so many times."""
    weight, expected, true = sums
    total = drawn @ weight
    off = (drawn @ (true - expected))[total > 0] / total[total > 0]
    figures = (expected.sum() / weight.sum(), true.sum() / weight.sum(), off.std())
    return Tenth(number, *(round(float(value), 3) for value in figures))


@dataclass(frozen=True)
class Figures:
    """What validation says.

    Attributes:
        thresholds: chosen; fields of `droplets.finding.decode.Thresholds`.
        calibration: of each layer's expected IoU, see `droplets.finding.decode.Thresholds`.
        f1: at IoU 0.5, 0.75 and 0.9, of the outer layer.
        inner_f1: the three of the inner layer.
        by_look: the three of the outer layer for each look.
        reliability: by layer and tenth.
    """

    thresholds: dict[str, float]
    calibration: list[list[float]]
    f1: list[float]
    inner_f1: list[float]
    by_look: dict[str, list[float]]
    reliability: list[list[Tenth]]


def validate(network: Network, pictures: int, known: Thresholds | None = None) -> Figures:
    """Thresholds, calibration and figures, as they go with the weights.

    Arguments:
        network: with the head.
        pictures: of the seen and of the held-out looks, each.
        known: thresholds that stay; None to choose them.
    """
    seeds = range(FIRST_SEED, FIRST_SEED + pictures)
    checked = [check(network, seed, held_out=held_out) for seed in seeds for held_out in (False, True)]
    return judged([one.look for one in checked], [compare(one) for one in checked], known)


def judged(
    looks: Sequence[str], results: Sequence[Sequence[Result]], known: Thresholds | None = None
) -> Figures:
    """What validation says of pictures' looks and of the results of both layers; see `validate`."""
    choices = _chosen(results) if known is None else _choices(known)
    choice, inner = choices
    reports = [[reported(layers[i], choices[i]) for layers in results] for i in range(len(LAYERS))]

    def scores(some: Sequence[Sequence[Result]], layer: int = 0, how: Choice = choice) -> list[float]:
        return [round(mean_f1([layers[layer] for layers in some], how, least), 4) for least in IOU_STEPS]

    by_look = {
        name: [own for own, look in zip(results, looks, strict=True) if look == name]
        for name in sorted(set(looks))
    }
    return Figures(
        {
            "heat": choice.heat,
            "expected_iou": choice.expected,
            "inner_heat": inner.heat,
            "inner_expected_iou": inner.expected,
            "relative": choice.relative,
        },
        [calibration(own) for own in reports],
        scores(results),
        scores(results, 1, inner),
        {look: scores(some) for look, some in by_look.items()},
        [reliability(crosswise(own)) for own in reports],
    )


def _choices(known: Thresholds) -> list[Choice]:
    """Those of both layers."""
    return [
        Choice(known.heat, known.expected_iou, known.relative),
        Choice(known.inner_heat, known.inner_expected_iou),
    ]


def _chosen(results: Sequence[Sequence[Result]]) -> list[Choice]:
    """For both layers; see `_good`."""
    grids: list[list[Choice]] = [
        [Choice(*values) for values in product(HEATS, IOUS, RELATIVES)],
        [Choice(*values) for values in product(HEATS, IOUS)],
    ]
    return [_good(grid, [layers[layer] for layers in results]) for layer, grid in enumerate(grids)]


def _good(grid: Sequence[Choice], results: Sequence[Result]) -> Choice:
    """The middle of all choices that are as good as the best to within one standard error over the pictures.

    The best one itself is the best on these few pictures by chance.
    """
    goals = np.array(
        [[mean_f1([one], choice, 0.5) + mean_f1([one], choice, 0.75) for one in results] for choice in grid]
    )
    behind = goals[goals.mean(axis=1).argmax()] - goals
    error = behind.std(axis=1) / np.sqrt(len(results))
    good = [choice for choice, close in zip(grid, behind.mean(axis=1) <= error, strict=True) if close]
    means = np.mean([(one.heat, one.expected, one.relative) for one in good], axis=0)
    return Choice(*(round(float(value), 3) for value in means))


def main() -> None:
    """Print the figures of exported weights, with their own thresholds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("model/droplet_head.safetensors"))
    parser.add_argument(
        "--pictures", type=int, default=40, help="of the seen and of the held-out looks, each"
    )
    args = parser.parse_args()
    torch.set_num_threads(2)
    exported = load_head(args.weights)
    network = Network(load_sam(CHECKPOINT), exported.head)
    print(json.dumps(asdict(validate(network, args.pictures, exported.thresholds)), indent=1))


if __name__ == "__main__":
    main()
