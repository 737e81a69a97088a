"""What training minimises is least for the right answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from droplets.finding.head import HEAD_RAYS, HEAT, KIND, LAYER_CHANNELS, QUALITY, RAY
from training.losses import Losses, Wanted, layer_losses, polar_iou
from training.rendering.truth import Outline, circle
from training.targets import layer_targets

CELLS = 32
SURE = 10.0


def wanted(*objects: Outline) -> Wanted:
    """Targets of the outer layer, a batch of one."""
    outer, _ = layer_targets(objects, CELLS, CELLS)
    return Wanted(
        torch.from_numpy(outer.heat.astype(np.float32))[None],
        torch.from_numpy(outer.cell.astype(np.int64)),
        torch.from_numpy(outer.rays.astype(np.float32)),
        torch.from_numpy(outer.bead.astype(np.float32)),
    )


def answer(goal: Wanted, *, shift: int = 0) -> torch.Tensor:
    """The right one: sure at centres and nowhere else, `shift` columns aside."""
    out = torch.zeros(1, LAYER_CHANNELS, CELLS, CELLS)
    peaks = torch.where(goal.heat > 0.999, SURE, -SURE)
    out[:, HEAT] = torch.roll(peaks, shift, dims=2)
    cells = out.permute(0, 2, 3, 1).reshape(-1, LAYER_CHANNELS).clone()
    cells[:, QUALITY] = -SURE
    cells[goal.cell, QUALITY] = SURE
    cells[goal.cell, KIND] = SURE * (2 * goal.bead - 1)
    cells[goal.cell, RAY:] = goal.rays
    return cells.reshape(1, CELLS, CELLS, LAYER_CHANNELS).permute(0, 3, 1, 2)


def losses_of(given: torch.Tensor, goal: Wanted, places: int = 0) -> Losses:
    return layer_losses(given, goal, torch.tensor([places]))


DROPLETS = (circle(40.0, 44.0, 14.0), circle(90.0, 80.0, 20.0))


class TestPolarIou:
    def test_of_equal_rays_is_one(self):
        rays = torch.randn(5, HEAD_RAYS)
        assert polar_iou(rays, rays).numpy() == pytest.approx(1)

    def test_of_rays_half_as_long_is_a_quarter(self):
        rays = torch.linspace(0, 3, HEAD_RAYS)[None]
        assert polar_iou(rays, rays - np.log(2)).item() == pytest.approx(0.25)
        assert polar_iou(rays - np.log(2), rays).item() == pytest.approx(0.25)


class TestLayerLosses:
    def test_a_perfect_answer_costs_next_to_nothing(self):
        goal = wanted(*DROPLETS)
        losses = losses_of(answer(goal), goal)
        assert losses.heat.item() < 1e-3
        assert losses.rays.item() == pytest.approx(0, abs=1e-6)
        assert losses.quality.item() < 1e-2
        assert losses.kind.item() < 1e-3
        assert losses.iou.item() == pytest.approx(1)

    def test_a_shifted_answer_costs_more(self):
        goal = wanted(*DROPLETS)
        right, aside, far = (losses_of(answer(goal, shift=by), goal).heat.item() for by in (0, 1, 4))
        assert right + 1 < aside < far

    def test_wrong_rays_cost_more_the_more_they_are_wrong(self):
        goal = wanted(*DROPLETS)
        costs = []
        for factor in (1.0, 1.05, 1.5):
            given = answer(goal)
            given[:, RAY:] += np.log(factor)
            costs.append(losses_of(given, goal))
        assert costs[0].rays < costs[1].rays < costs[2].rays
        assert costs[2].iou.item() == pytest.approx(1 / 1.5**2, rel=1e-3)

    def test_heat_counts_less_where_there_are_more_places_for_objects(self):
        goal = wanted(*DROPLETS)
        few, many = (losses_of(answer(goal, shift=4), goal, places).heat.item() for places in (1, 20))
        assert many == pytest.approx(few * len(DROPLETS) / 20)

    def test_heat_is_free_where_it_is_not_judged(self):
        goal = wanted(DROPLETS[0], circle(100.0, 100.0, 20.0, counts=False))
        given = answer(goal)
        given[:, HEAT][goal.heat < 0] = SURE
        assert (goal.heat < 0).any()
        assert losses_of(given, goal).heat.item() < 1e-3

    def test_an_empty_picture_is_learnt_from_too(self):
        goal = wanted()
        cold, hot = (answer(goal) for _ in range(2))
        hot[:, HEAT, 5, 5] = hot[:, QUALITY, 5, 5] = 5.0
        calm, wrong = (losses_of(given.requires_grad_(), goal) for given in (cold, hot))
        assert calm.total.item() < 1e-3
        assert wrong.heat > 1
        assert wrong.quality > 1
        wrong.total.backward()
        assert hot.grad[0, HEAT, 5, 5] > 0
