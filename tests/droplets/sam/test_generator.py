from __future__ import annotations

import numpy as np
import pytest
import torch
from mobile_sam import SamAutomaticMaskGenerator
from mobile_sam.utils.amg import build_point_grid

from droplets.sam.generator import Decoding, Generator, point_grid
from droplets.types import Mask

pytestmark = pytest.mark.model
SIDE = 8


@pytest.fixture(scope="module")
def stock(sam, picture) -> list[Mask]:
    records = SamAutomaticMaskGenerator(sam, points_per_side=SIDE).generate(picture)
    return [
        Mask.from_array(
            r["segmentation"], predicted_iou=r["predicted_iou"], stability_score=r["stability_score"]
        )
        for r in records
    ]


@pytest.fixture(scope="module")
def generator(sam) -> Generator:
    return Generator(sam, points_per_side=SIDE, precision="fp32")


def partners(masks: list[Mask], others: list[Mask], iou: float) -> float:
    """Share of masks that have a partner among the others."""
    return float(np.mean([max((m.iou(o) for o in others), default=0) >= iou for m in masks]))


def test_the_grid_is_stock_s():
    expected = build_point_grid(7) * [640, 480]
    assert np.allclose(point_grid(7, (480, 640)), expected)


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_the_masks_are_those_of_stock(sam, picture, stock, runtime):
    if runtime == "openvino":
        pytest.importorskip("droplets.sam.openvino_encoder", exc_type=ImportError)
    generator = Generator(sam, points_per_side=SIDE, precision="fp32", runtime=runtime)
    found = generator.generate(picture)
    assert len(stock) > 20
    assert len(found) == len(stock)
    assert partners(stock, found, 0.98) >= 0.995
    assert partners(found, stock, 0.98) >= 0.995
    for mask, other in zip(found, stock, strict=True):
        assert mask.predicted_iou == pytest.approx(other.predicted_iou, abs=1e-4)


def test_any_points_can_be_prompted(generator, picture):
    prepared = generator.prepare(picture)
    everything = generator.masks_at(prepared, point_grid(SIDE, picture.shape[:2]))
    target = min(everything, key=lambda mask: mask.area)
    found = generator.masks_at(prepared, np.array([target.centroid]))
    assert max(mask.iou(target) for mask in found) > 0.8
    assert generator.masks_at(prepared, np.empty((0, 2))) == []


def test_candidates_know_their_prompts(generator, picture):
    prepared = generator.prepare(picture)
    points = point_grid(4, picture.shape[:2])
    loose = Decoding(pred_iou_thresh=0.5, stability_score_thresh=0.5)
    strict = generator.candidates_at(prepared, points)
    more = generator.candidates_at(prepared, points, loose)
    assert set(strict.prompt.tolist()) <= set(more.prompt.tolist()) <= set(range(16))
    assert len(more.prompt) > len(strict.prompt)
    assert (more.predicted_iou > 0.5).all()
    assert (more.stability >= 0.5).all()


def test_the_thread_count_and_the_gradient_mode_are_left_alone(generator, picture):
    threads = torch.get_num_threads()
    generator.masks_at(generator.prepare(picture), np.array([[50.0, 50.0]]))
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()


def test_a_warm_up_leaves_no_trace(generator, picture):
    before = generator.masks_at(generator.prepare(picture), np.array([[50.0, 50.0]]))
    assert generator.warm_up() is None
    after = generator.masks_at(generator.prepare(picture), np.array([[50.0, 50.0]]))
    assert [m.box for m in before] == [m.box for m in after]
