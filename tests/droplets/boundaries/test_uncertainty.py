"""What an edge shows of how far off a diameter may be."""

import numpy as np
import pytest

from droplets.boundaries.settings import EdgeSettings
from droplets.boundaries.uncertainty import note_on_edges, overlap, uncertainty

HOW = EdgeSettings()


def test_the_parts_add_up_as_squares():
    def one(residual: float, rise: float, diameter: float, found: float) -> float:
        given = (np.array([value]) for value in (residual, rise, diameter, found))
        return float(uncertainty(*given, HOW)[0])

    spread, broad, moved = one(0.2, 0, 40, 40), one(0, 4, 40, 40), one(0, 0, 40, 38)
    assert one(0.2, 4, 40, 38) == pytest.approx(np.sqrt(spread**2 + broad**2 + moved**2))
    assert one(0.2, 4, 40, 40) == pytest.approx(one(0.2, 4, 400, 400))  # pixels, whatever the size


def test_the_overlap_is_that_of_circles():
    assert overlap(None, 40) == overlap(0, 40) == 1
    assert overlap(4, 40) == pytest.approx(0.9**2)
    assert overlap(50, 40) == 0


def test_poor_edges_are_told():
    assert note_on_edges([], HOW) == ()
    assert note_on_edges([0.025, 0.05, 0.75], HOW) == ()
    (note,) = note_on_edges([0.15, 0.15, 0.025], HOW)
    assert "15%" in note
    assert "45%" in note
