"""Gaussian mixtures by expectation and maximisation (Dempster, Laird and Rubin 1977).

Plain sums over small arrays, without a BLAS: its threads would wait for each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans, vq
from scipy.special import entr, logsumexp

Array = NDArray[np.float64]

STARTS = 3
MOST_ROUNDS = 500
SETTLED = 1e-3
"""Of the mean log-likelihood a point: a round that gains less is the last."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture as it fits N points of D dimensions.

    Attributes:
        memberships: NxK probabilities that a point is of a component.
        log_likelihood: of all points.
        parameters: how many were fitted: weights, means and covariances.
    """

    memberships: Array
    log_likelihood: float
    parameters: int

    @property
    def icl(self) -> float:
        """Integrated completed likelihood: BIC and twice the entropy of the memberships; less is better."""
        bic = self.parameters * math.log(len(self.memberships)) - 2 * self.log_likelihood
        return float(bic + 2 * entr(self.memberships).sum())


def fit(points: Array, components: int, least_variance: float) -> Mixture:
    """The likeliest mixture of a few starts from k-means; the same points always give the same one.

    Arguments:
        points: NxD.
        components: how many, at most as many as there are different points.
        least_variance: added to each component's variance along each axis.
    """
    starts = (_climb(points, _start(points, components, seed), least_variance) for seed in range(STARTS))
    return max(starts, key=lambda mixture: mixture.log_likelihood)


def _start(points: Array, components: int, seed: int) -> Array:
    """NxK memberships, each wholly of one component."""
    centres, _ = kmeans(points, components, iter=10, thresh=1e-2, rng=seed)
    nearest, _ = vq(points, centres)
    memberships: Array = np.eye(len(centres))[nearest]
    return memberships


def _climb(points: Array, memberships: Array, least_variance: float) -> Mixture:
    likelihood = -math.inf
    for _ in range(MOST_ROUNDS):
        before = likelihood
        joint = _log_densities(points, memberships, least_variance)
        each = logsumexp(joint, axis=1, keepdims=True)
        memberships, likelihood = np.exp(joint - each), float(each.mean())
        if likelihood - before < SETTLED:
            break
    components, dimensions = memberships.shape[1], points.shape[1]
    each_component = 1 + dimensions + dimensions * (dimensions + 1) // 2
    return Mixture(memberships, likelihood * len(points), components * each_component - 1)


def _log_densities(points: Array, memberships: Array, least_variance: float) -> Array:
    """NxK logarithms of each component's weighted density, with the parameters that fit the memberships."""
    totals = memberships.sum(axis=0) + 10 * np.finfo(float).eps
    means = np.einsum("nk,nd->kd", memberships, points) / totals[:, None]
    off = points[:, None] - means
    covariances = np.einsum("nk,nkd,nke->kde", memberships, off, off) / totals[:, None, None]
    roots = np.linalg.cholesky(covariances + least_variance * np.eye(points.shape[1]))
    scaled = np.einsum("kde,nke->nkd", np.linalg.inv(roots), off)
    log_determinants = 2 * np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    weights = np.log(totals / len(points))
    constant = points.shape[1] * math.log(2 * math.pi)
    return np.asarray(weights - 0.5 * ((scaled**2).sum(axis=2) + log_determinants + constant))
