"""The tuned numbers of the contents' stage."""

from __future__ import annotations

from dataclasses import dataclass

from droplets.tuning import tuned

BEADS = "rendered droplets with and without beads, `python -m benchmarks.kinds`"
WITNESSES = "rendered droplets of all looks, fitted by `python -m benchmarks.contents`"
GLOW = "rendered glowing beads and droplets, tests/droplets/contents"


@dataclass(frozen=True)
class ContentSettings:
    """What counts as a bead or cell, and which kind an object is of.

    Lengths are in units of the median droplet radius unless another unit is said; "spreads" are standard
    deviations of what the droplets of the picture have in common.
    """

    # What glows
    colourful: float = tuned(
        64.0,
        "grey levels",
        "by which a channel exceeds the others where something is in colour",
        GLOW,
        (42.67, 96),
    )
    most_glowing: float = tuned(
        0.1, "area", "part of a picture that glows, at most: more is a scene", GLOW, (0.06667, 0.15)
    )
    faint: float = tuned(
        0.15, "height of the brightest", "what is lower is scattered light", GLOW, (0.12, 0.225)
    )
    ground_noises: float = tuned(
        6.0,
        "standard deviations of the ground's noise",
        "what is lower is ground",
        "none of a million pixels by chance",
        (4, 9),
    )
    least_glow: float = tuned(
        3.0,
        "grey levels",
        "over the ground, of a picture whose noise is below its steps",
        "the steps of 8 bits",
        (2, 4.5),
    )
    smoothing: float = tuned(
        0.1,
        "bead radius",
        "of the distance to the edge, before beads that touch are split",
        GLOW,
        (0.06667, 0.15),
    )
    separation: float = tuned(
        0.6, "bead radius", "between the centres of beads that touch, at least", GLOW, (0.4, 0.7333)
    )
    speck: float = tuned(0.4, "bead radius", "what is smaller is no bead", GLOW, (0.2667, 0.6))

    # Which droplets are looked into
    smallest_droplet: int = tuned(
        100,
        "px",
        "of area: in a smaller one there is no room to see anything",
        "a bead takes ten pixels",
        (67, 150),
    )
    convex: float = tuned(
        0.87,
        "solidity",
        "under which what the border cuts off is several droplets",
        "derived: two have 0.85, one 0.88 or more",
        (0.805, 0.9133),
    )
    rim: float = tuned(
        0.2,
        "radius",
        "depth up to which the ring may differ between droplets that are alike",
        BEADS,
        (0.1333, 0.3),
    )
    enough: int = tuned(
        10,
        "droplets",
        "fewer are compared by depth alone: a bead would be in the median of its sector",
        BEADS,
        (7, 15),
    )
    rings: int = tuned(14, "", "parts of the depth over which droplets are compared", BEADS, (11, 18))
    sectors: int = tuned(8, "", "parts of the full turn over which droplets are compared", BEADS, (6, 12))
    least_spread: float = tuned(
        0.5,
        "grey levels",
        "of a picture whose noise is below its steps",
        "the steps of 8 bits",
        (0.3333, 0.75),
    )
    largest_fit: float = tuned(
        3.0, "radius of the visible part", "a larger circle was fitted to too short an edge", BEADS, (2, 4.5)
    )
    outlier: float = tuned(
        6.0,
        "spreads",
        "at which a pixel is cut off, so that one speck does not look like many beads",
        BEADS,
        (5.455, 9),
    )
    unequal: float = tuned(
        6.0,
        "",
        "ratio of percentiles 90 and 10 of their differences from the usual one: above it none is usual",
        "foam has 7.6 to 58, droplets that are alike 1.6 to 3.4",
        (4, 9),
    )

    # What stands out in them
    small_sigma: float = tuned(
        0.06, "radius", "of the Gaussian for small blobs, half a blob's radius", BEADS, (0.04, 0.09)
    )
    large_sigma: float = tuned(
        0.09, "radius", "of the narrower Gaussian for larger blobs", BEADS, (0.08182, 0.1125)
    )
    largest_sigma: float = tuned(
        0.13, "radius", "of the wider Gaussian for larger blobs", BEADS, (0.104, 0.1326)
    )
    least_sigma: float = tuned(0.7, "px", "a narrower Gaussian is not sampled well", "derived", (0.55, 0.8))
    small_share: float = tuned(
        0.8,
        "blobs",
        "part that must stand out more with the small Gaussian for beads to be small",
        BEADS,
        (0.7, 0.8667),
    )
    dirt: float = tuned(
        4.0,
        "",
        "times more must stand out darkly for beads to be dark: dirt is, cells gather light",
        BEADS,
        (2.667, 6),
    )
    faintest: float = tuned(
        2.5, "spreads", "from which a blob is looked at", "derived: one pixel in 160 by chance, were it noise"
    )
    by_significance: float = tuned(
        1.7, "", "logarithmic likelihood ratio of a bead for e times the significance", WITNESSES
    )
    by_heat: float = tuned(
        0.75, "", "the same for one more of the logit that the network gives for something inside", WITNESSES
    )
    even_heat: float = tuned(-1.6, "logit", "at which the network says neither way", WITNESSES)
    no_heat: float = tuned(
        -3.0, "logit", "under which it sees nothing, and hardly any blob is a bead", WITNESSES
    )
    seen_from: float = tuned(
        0.5, "cells", "of the answer, radius of a blob from which the network can see it", WITNESSES
    )
    significant: float = tuned(
        5.5, "spreads", "from which a blob is an object where nothing else is known", BEADS, (5.238, 5.5)
    )
    round_peak: float = tuned(
        0.35, "", "ratio of principal curvatures under which a peak lies on a line", BEADS, (0.3182, 0.525)
    )
    neighbours: float = tuned(
        0.15, "radius", "of blobs that are closer only the strongest counts", BEADS, (0.1, 0.225)
    )
    side_lobe: float = tuned(
        0.3,
        "radius",
        "so far from a stronger blob of the other sign lies the swing of its response",
        BEADS,
        (0.2, 0.45),
    )

    # Kinds
    same_bead: float = tuned(
        4.0, "", "times the area of a bead under which a mask shows that bead", BEADS, (3.2, 6)
    )
    same_clump: float = tuned(
        2.0, "", "times the area of all beads in it under which a mask shows their clump", BEADS, (1.333, 3)
    )
    all_beads: float = tuned(
        0.2,
        "probability",
        "of beads, median over a picture, over which all that glows is beads",
        "nearly all rendered pictures of droplets that glow lie under it",
        (0.1333, 0.3),
    )
    guess: float = tuned(
        0.9, "probability", "under which it is said that this was a guess", "one in ten wrong"
    )
    bead_in_droplet: float = tuned(
        0.5, "diameter of the droplet", "what is larger in it is a droplet too", BEADS, (0.3333, 0.75)
    )
    foreign: float = tuned(
        3.0,
        "",
        "factor from the usual diameter at which an object is as likely as not no droplet",
        BEADS,
        (2, 4.5),
    )
