"""Clusters of droplets drawn from known groups."""

import json

import numpy as np
import pytest

from droplets.figures.clusters import clusters
from tests.droplets.shapes import figured


def drawn(random, count, diameter, light, spread=1.0):
    return [
        figured(diameter=d, grey=(g, 0, 255, 5, g))
        for d, g in zip(
            random.normal(diameter, spread, count), random.normal(light, 2 * spread, count), strict=True
        )
    ]


@pytest.fixture
def random():
    return np.random.default_rng(7)


def test_one_population_is_one_cluster(random):
    found = clusters(drawn(random, 200, 40, 100))
    (only,) = found["clusters"]
    assert (only["id"], only["droplets"], only["fraction"]) == (0, 200, 1)
    assert only["diameter_mean"] == pytest.approx(40, abs=0.3)
    assert only["diameter_std"] == pytest.approx(1, abs=0.15)
    assert found["labels"] == [0] * 200
    assert len(found["icl"]) == 5


def test_a_skewed_population_is_still_one_cluster(random):
    sizes = 40 * np.exp(random.normal(0, 0.2, 300))
    lights = random.uniform(80, 120, 300)
    droplets = [figured(diameter=d, grey=(g, 0, 255, 5, g)) for d, g in zip(sizes, lights, strict=True)]
    assert len(clusters(droplets)["clusters"]) == 1


def test_three_groups_are_found_and_ordered_by_diameter(random):
    droplets = drawn(random, 30, 60, 100) + drawn(random, 50, 20, 100) + drawn(random, 70, 60, 200)
    found = clusters(droplets)
    assert found["clusters"][0]["droplets"] == 50
    assert sorted(cluster["droplets"] for cluster in found["clusters"]) == [30, 50, 70]
    labels = found["labels"]
    assert [len(set(part)) for part in (labels[:30], labels[30:80], labels[80:])] == [1, 1, 1]
    by_label = {cluster["id"]: cluster for cluster in found["clusters"]}
    assert by_label[labels[100]]["intensity_mean"] == pytest.approx(200, abs=2)
    assert by_label[labels[100]]["diameter_mean"] == pytest.approx(60, abs=1)


def test_the_answer_is_always_the_same(random):
    droplets = drawn(random, 60, 40, 100) + drawn(random, 40, 46, 110)
    assert clusters(droplets) == clusters(droplets)


def test_what_is_no_whole_droplet_has_no_label(random):
    droplets = drawn(random, 25, 40, 100)
    droplets[3:3] = [figured(kind="bead", parent=0), figured(border=(0, 9, 9, 9))]
    found = clusters(droplets)
    assert found["labels"] == [0, 0, 0, None, None, *[0] * 22]
    assert found["clusters"][0]["droplets"] == 25


@pytest.mark.parametrize("count", [1, 2, 19])
def test_few_droplets_are_not_split(count):
    droplets = [figured(diameter=10 if i % 2 else 90) for i in range(count)]
    found = clusters(droplets)
    assert found["labels"] == [0] * count
    assert found["icl"] == []


def test_no_droplets_are_no_clusters():
    assert clusters([]) == {"clusters": [], "labels": [], "icl": []}


def test_equal_droplets_are_one_cluster():
    found = clusters([figured(diameter=30)] * 100)
    assert len(found["clusters"]) == 1
    assert found["clusters"][0]["diameter_std"] == 0


def test_rounding_makes_no_clusters():
    lights = [0.1, 0.1 + 1e-16] * 50
    found = clusters([figured(diameter=30, grey=(light, 0, 1, 0, light)) for light in lights])
    assert len(found["clusters"]) == 1


def test_two_values_are_two_clusters():
    found = clusters([figured(diameter=30)] * 50 + [figured(diameter=20)] * 50)
    assert [cluster["diameter_mean"] for cluster in found["clusters"]] == [20, 30]
    assert found["labels"] == [1] * 50 + [0] * 50


def test_the_answer_is_plain_json(random):
    found = clusters(drawn(random, 30, 40, 100))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
