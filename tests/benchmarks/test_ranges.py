"""Every tuned number says what it is, and may be moved as far as it says."""

from functools import cache

import pytest

from benchmarks.ranges import SCORES, numbers, stays
from droplets.settings import StageSettings

NUMBERS = [(stage, name) for stage in SCORES for name in numbers(stage)]
RANGED = [(stage, name) for stage, name in NUMBERS if numbers(stage)[name].stays is not None]

usual = cache(lambda score: score(StageSettings()))


@pytest.mark.parametrize(("stage", "name"), NUMBERS)
def test_every_number_says_what_it_is_and_where_it_comes_from(stage, name):
    known, value = numbers(stage)[name], getattr(getattr(StageSettings(), stage), name)
    assert len(known.meaning) > 8
    assert len(known.source) > 5
    if known.stays is not None:
        low, high = known.stays
        assert low <= value <= high


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "name"), RANGED)
def test_scores_stay_over_the_range_that_a_number_has(stage, name):
    for value in numbers(stage)[name].stays:
        assert stays(stage, name, value, usual(SCORES[stage])), value
