"""Watershed from markers, as the minimum spanning forest that it is (Cousty and others 2009)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

Labels = NDArray[np.int32]


def flood(heights: NDArray[np.floating], markers: Labels, within: NDArray[np.bool_]) -> Labels:
    """Label of the marker whose flood reaches each pixel first when all rise at one pace.

    Arguments:
        heights: HxW.
        markers: HxW, labels from 1; 0 where there is none.
        within: HxW; the floods pass from pixel to 4-connected pixel of these.

    Returns:
        HxW; 0 outside, and where no flood comes.
    """
    number = int(within.sum())
    place = np.empty(within.shape, np.int32)
    place[within] = np.arange(number)
    rank = np.empty(number)
    rank[np.argsort(heights[within], kind="stable")] = np.arange(1, number + 1)
    beside, below = within[:, :-1] & within[:, 1:], within[:-1] & within[1:]
    pairs = np.concatenate(
        [
            np.stack([place[:, :-1][beside], place[:, 1:][beside]], axis=1),
            np.stack([place[:-1][below], place[1:][below]], axis=1),
        ]
    )
    ranks = rank[pairs]
    # The higher pixel says when the water gets over; of two ways into it, it takes the one from lower down.
    over = ranks.max(axis=1) * (number + 1) + ranks.min(axis=1)
    sources = np.flatnonzero(markers[within]).astype(np.int32)
    # One spring feeds all sources first; without it the tree falls apart into a flood a source.
    ends = np.concatenate([pairs, np.stack([sources, np.full_like(sources, number)], axis=1)])
    weights = np.concatenate([over, np.ones(len(sources))])
    tree = minimum_spanning_tree(
        coo_matrix((weights, (ends[:, 0], ends[:, 1])), shape=(number + 1, number + 1))
    )
    _, flooded = connected_components(tree[:number, :number], directed=False)
    label = np.zeros(number + 1, np.int32)
    label[flooded[sources]] = markers[within][sources]
    labels = np.zeros(within.shape, np.int32)
    labels[within] = label[flooded]
    return labels
