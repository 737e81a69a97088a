"""Groups of droplets of like size and intensity; see docs/labs/measurements.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from droplets.figures import mixture
from droplets.figures.sizes import EQUAL_WITHIN, is_whole
from droplets.types import Droplet

MOST_CLUSTERS = 5
DROPLETS_A_CLUSTER = 10
"""Least number of droplets for each cluster that is tried: a cluster has six parameters."""
LEAST_VARIANCE = 1e-3
"""Added to each cluster's variance, in units of that of all droplets: equal droplets have none."""


def clusters(droplets: Sequence[Droplet]) -> dict[str, Any]:
    """Gaussian mixture over the diameter and mean intensity of the droplets proper that no border cuts.

    Of as many clusters as the integrated completed likelihood favours (Biernacki, Celeux and Govaert 2000):
    the BIC and twice the entropy of the memberships. The BIC alone cuts one skewed group into several that
    touch. The same droplets always give the same answer.

    Returns:
        "clusters" by mean diameter, smallest first, each with "id", "droplets" (their number),
        "fraction", "diameter_mean", "diameter_std" (pixels), "intensity_mean", "intensity_std" (stored
        grey values, population); "labels", a cluster's id or None for each of the droplets; "icl" for 1, 2,
        ... clusters (the least is best), empty where there are too few droplets to try more than one.
    """
    whole = np.array([is_whole(droplet) for droplet in droplets], bool)
    figures = np.array(
        [(d.shape.equivalent_diameter, d.intensity.mean) for d in droplets if is_whole(d)], np.float64
    ).reshape(-1, 2)
    found, icl = _fitted(figures)
    found = _by_diameter(found, figures[:, 0])
    labels = np.full(len(droplets), -1)
    labels[whole] = found
    return {
        "clusters": [_described(i, figures, found) for i in range(found.max(initial=-1) + 1)],
        "labels": [label if label >= 0 else None for label in labels.tolist()],
        "icl": icl,
    }


def _fitted(figures: NDArray[np.float64]) -> tuple[NDArray[np.int64], list[float]]:
    """Cluster of each of Nx2 figures, in any order, and the ICL of each number of clusters."""
    most = min(MOST_CLUSTERS, len(figures) // DROPLETS_A_CLUSTER)
    if most <= 1:
        return np.zeros(len(figures), np.int64), []
    mean, deviation = figures.mean(axis=0), figures.std(axis=0)
    standard = (figures - mean) / np.where(deviation > EQUAL_WITHIN * np.abs(mean), deviation, np.inf)
    most = min(most, len(np.unique(standard, axis=0)))
    tried = [mixture.fit(standard, number, LEAST_VARIANCE) for number in range(1, most + 1)]
    icl = [found.icl for found in tried]
    return tried[int(np.argmin(icl))].memberships.argmax(axis=1), icl


def _by_diameter(labels: NDArray[np.int64], diameters: NDArray[np.float64]) -> NDArray[np.int64]:
    """Labels 0, 1, ... by the clusters' mean diameters; clusters without droplets are left out."""
    names, labels = np.unique(labels, return_inverse=True)
    means = np.bincount(labels, diameters) / np.bincount(labels)
    rank = np.empty(len(names), np.int64)
    rank[np.argsort(means, kind="stable")] = np.arange(len(names))
    return rank[labels]


def _described(i: int, figures: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, Any]:
    members = figures[labels == i]
    (diameter, light), (diameter_std, light_std) = members.mean(axis=0).tolist(), members.std(axis=0).tolist()
    return {
        "id": i,
        "droplets": len(members),
        "fraction": len(members) / len(figures),
        "diameter_mean": diameter,
        "diameter_std": diameter_std,
        "intensity_mean": light,
        "intensity_std": light_std,
    }
