"""How likely a blob is a bead or cell, by two witnesses.

One is how far it stands out from what the droplets of the picture have in common, the other what the network
takes its place for, which has learnt from rendered pictures what beads and cells look like. Each sees what
the other does not: dirt, streaks and uneven rims stand out, and a faint bead is seen where droplets differ.
Their logarithmic likelihood ratios add up; `python -m benchmarks.contents` fits these on rendered pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from droplets.contents.blobs import Blobs
from droplets.contents.settings import ContentSettings
from droplets.types import InnerHeat


def probability(blobs: Blobs, inner: InnerHeat | None, how: ContentSettings) -> NDArray[np.float64]:
    """N: of N blobs, where one is as likely a bead as not before it is looked at.

    Arguments:
        blobs: of the picture, also faint ones.
        inner: where the network sees something in objects; None: it was not asked.
        how: the stage's settings.
    """
    standing_out = how.by_significance * np.log(blobs.significance / how.significant)
    if inner is None or blobs.radius * inner.scale < how.seen_from:
        return np.asarray(expit(standing_out))
    seen = inner.at(blobs.x, blobs.y)
    likely = expit(standing_out + how.by_heat * (seen - how.even_heat))
    return np.where(seen > how.no_heat, likely, 0.0)
