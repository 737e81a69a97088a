"""The mixture fitted to points whose distribution is known."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from droplets.figures.mixture import fit


@pytest.fixture
def random():
    return np.random.default_rng(3)


def test_one_component_is_the_normal_distribution_of_the_points(random):
    points = random.multivariate_normal([1, -2], [[2, 0.7], [0.7, 1]], 300)
    found = fit(points, 1, 0.01)
    covariance = np.cov(points.T, bias=True) + 0.01 * np.eye(2)
    expected = multivariate_normal(points.mean(axis=0), covariance).logpdf(points).sum()
    assert found.log_likelihood == pytest.approx(expected, rel=1e-9)
    assert found.parameters == 5
    assert found.icl == pytest.approx(5 * np.log(300) - 2 * expected, rel=1e-9)


def test_memberships_are_those_of_the_distribution_that_the_points_are_of(random):
    shares, centres = [0.3, 0.7], np.array([[0.0, 0.0], [4.0, 1.0]])
    group = random.choice(2, 4000, p=shares)
    points = centres[group] + random.normal(0, 1, (4000, 2))
    densities = [
        share * multivariate_normal(centre).pdf(points) for share, centre in zip(shares, centres, strict=True)
    ]
    found = fit(points, 2, 1e-6)
    first = int(found.memberships[group == 0].mean(axis=0).argmax())
    assert found.memberships.sum(axis=1) == pytest.approx(1)
    assert np.abs(found.memberships[:, first] - densities[0] / sum(densities)).mean() < 0.01


def test_elongated_groups_side_by_side_are_told_apart(random):
    group = np.repeat([0, 1], 200)
    points = random.normal(0, (1.5, 0.2), (400, 2)) + np.column_stack([0 * group, 3 * group])
    assert fit(points, 2, 1e-6).icl < fit(points, 1, 1e-6).icl


def test_points_on_a_line_are_fitted_with_the_least_variance():
    points = np.column_stack([np.repeat([0.0, 5.0], 20), np.zeros(40)])
    found = fit(points, 2, 1e-3)
    assert sorted(found.memberships.sum(axis=0)) == pytest.approx([20, 20])
