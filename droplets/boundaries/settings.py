"""The tuned numbers of the boundaries' stage."""

from __future__ import annotations

from dataclasses import dataclass

from droplets.tuning import tuned

RENDERED = "rendered pictures with known edges, `python -m benchmarks.boundaries`"
LOOKS = "rendered emulsions, foams and glowing discs, tests/droplets/boundaries"


@dataclass(frozen=True)
class EdgeSettings:
    """How edges are looked for on rays, and which curve through them stands.

    Lengths are in units of the object's radius unless another unit is said; "height" is the grey values
    from the lowest to the highest point of an edge.
    """

    # What is sampled
    spacing: float = tuned(
        0.4,
        "px",
        "between samples on a ray, at most",
        "under half a pixel, so none is missed",
        (0.3636, 0.44),
    )
    fewest_samples: int = tuned(
        24, "", "taken on a ray, at least", "the fewest that show both sides of a rim", (16, 36)
    )
    most_samples: int = tuned(160, "", "taken on a ray, at most", "bounds memory")
    sampled_objects: int = tuned(100, "", "that show what kind of edges a picture has", "bounds time")

    # Where an edge lies on a ray
    search_inwards: float = tuned(
        -0.2, "radius", "from an outline as found: nearest the centre", RENDERED, (-0.22, -0.16)
    )
    search_outwards: float = tuned(
        0.4, "radius", "from an outline as found: furthest from the centre", RENDERED, (0.32, 0.6)
    )
    again: float = tuned(
        0.12,
        "radius",
        "from the first curve to both sides, where the edge is looked for again",
        RENDERED,
        (0.096, 0.18),
    )
    slope_reach: float = tuned(
        0.03, "radius", "half the distance that a slope is taken over", RENDERED, (0.02, 0.045)
    )
    rim_reach: float = tuned(
        0.2,
        "radius",
        "from the steepest point to the levels on both sides of a dark rim",
        "rims take up to a fifth of the radius",
        (0.1818, 0.2),
    )
    light_reach: float = tuned(
        0.35,
        "radius",
        "from the steepest point to the levels on both sides of a light's end",
        RENDERED,
        (0.28, 0.385),
    )
    beyond_halfway: float = tuned(
        0.2,
        "radius",
        "how far past the line halfway to a neighbour a shared rim is looked for",
        RENDERED,
        (0.1961, 0.25),
    )
    dark: float = tuned(
        0.3,
        "range of the ray",
        "an edge rises from below it, not from a lens' shading or a bright line",
        RENDERED,
        (0.2, 0.33),
    )
    clear_quantile: float = tuned(
        0.85, "quantile", "of the rays' heights: those that see the background", RENDERED, (0.8425, 0.9)
    )
    rays_around: int = tuned(11, "rays", "that tell how bright a ray's background is", RENDERED, (11, 17))
    common_background: float = tuned(
        0.9,
        "",
        "part of the brightest of the rays around that a ray's background has at least",
        RENDERED,
        (0.85, 0.9091),
    )
    highest_half: float = tuned(
        0.9, "height", "of the ray itself, below which half the height is found on it", RENDERED, (0.89, 0.92)
    )

    # What kind of edges a picture has
    rays_together: int = tuned(
        36,
        "rays",
        "averaged where the kind is told: without noise, but with what lies on one side only",
        LOOKS,
        (24, 54),
    )
    clear_share: float = tuned(
        0.6, "height of the clearest rays", "from which a ray tells the kind", LOOKS, (0.4, 0.7333)
    )
    ring: float = tuned(
        0.25, "", "rise outwards over fall outwards: less is no dark rim", LOOKS, (0.1667, 0.375)
    )
    dip: float = tuned(
        0.15, "rise", "by so much a dark rim is darker than what is within it", LOOKS, (0.1, 0.225)
    )
    halo: float = tuned(
        0.5, "", "fall over rise: less is the end of a halo around a dark rim", LOOKS, (0.3333, 0.75)
    )
    wall_reach: float = tuned(
        1.0,
        "radius",
        "beyond the outline: walls have neighbours half way to which it is no further",
        LOOKS,
        (0.6667, 1.5),
    )
    growth: float = tuned(
        0.5,
        "",
        "slope of log width over log radius: half way between walls (0) and rims (1)",
        "derived",
        (0.3333, 0.75),
    )
    sure_of_walls: float = tuned(
        0.75,
        "",
        "part of the pairs of objects that must have a smaller slope for walls",
        LOOKS,
        (0.625, 0.8333),
    )
    varied: float = tuned(
        0.3,
        "",
        "difference of log radii between quartiles from which that slope is taken",
        LOOKS,
        (0.2, 0.45),
    )
    apart: float = tuned(
        0.2, "", "between two objects of a pair whose log radii differ by more", LOOKS, (0.1333, 0.3)
    )
    fewest_for_walls: int = tuned(5, "", "objects from which on walls are told", LOOKS, (3, 7))

    # Neighbours
    side_by_side: float = tuned(
        0.3,
        "radius of the smaller",
        "beyond the larger one's radius: so far apart are centres of neighbours",
        RENDERED,
        (0.2, 0.375),
    )

    # Curves
    residual_floor: float = tuned(
        0.004, "radius", "residuals are never judged finer", RENDERED, (0.002667, 0.006)
    )
    tie: float = tuned(
        1e-3,
        "",
        "pull of all harmonics towards the path: holds where few rays show an edge",
        RENDERED,
        (0.0006667, 0.0015),
    )
    stiffness: float = tuned(
        1e-5, "", "the same of the m-th harmonic, times m^4", RENDERED, (6.667e-06, 1.1e-05)
    )
    round_within: float = tuned(
        0.08, "radius", "an outline nearer to its circle starts from that", RENDERED, (0.07843, 0.1)
    )
    round_least: float = tuned(
        0.7, "radius", "of the outline, that its circle has at least", RENDERED, (0.55, 0.8)
    )
    round_most: float = tuned(
        1.4, "radius", "of the outline, that its circle has at most", RENDERED, (1.12, 2.1)
    )
    round_most_cut: float = tuned(
        2.5,
        "radius",
        "the same where the border cuts the outline off: of half a disc it is 1.4",
        RENDERED,
        (1.667, 3.75),
    )
    round_seen: float = tuned(
        1 / 3, "rays", "part of the outline within the picture for a circle", RENDERED, (0.2222, 0.5)
    )
    stiff_order: int = tuned(2, "harmonics", "of the curve of a round object", "an ellipse", (2, 2))
    free_order: int = tuned(
        8, "harmonics", "of the curve of any other object", "foam cells have five to seven sides", (5, 12)
    )
    loose: float = tuned(
        0.015, "radius", "a stiff curve of a smaller residual stays", RENDERED, (0.01, 0.0225)
    )
    seen_for_free: float = tuned(
        0.5, "rays", "part that must show an edge for a free curve", RENDERED, (0.4, 0.75)
    )
    worth: float = tuned(
        0.5,
        "",
        "part of the stiff curve's residual, per degree of freedom, that a free one may leave",
        RENDERED,
        (0.3333, 0.75),
    )
    independent: float = tuned(
        3.0,
        "px",
        "along an outline from which on edges are told independently of each other",
        "the blur of a sharp microscope picture",
        (2, 4.5),
    )

    # Which curves stand
    smallest: float = tuned(
        3.5, "px", "radius: in smaller objects both sides of an edge run together", RENDERED, (2.333, 3.85)
    )
    lowest: float = tuned(
        0.35, "height of the clearest rays", "what a ray must show to count", RENDERED, (0.2333, 0.385)
    )
    noises: float = tuned(
        4.0,
        "standard deviations of a pixel's noise",
        "that an edge must be high",
        "one in 16,000 by chance",
        (3.636, 6),
    )
    counted: float = tuned(
        0.3,
        "",
        "of a ray's weight, that the robust fit leaves it if it lies on the curve",
        RENDERED,
        (0.2, 0.45),
    )
    visible: float = tuned(
        0.08, "rays", "part that must show the edge on the curve", RENDERED, (0.05333, 0.12)
    )
    agreeing: float = tuned(
        0.6, "rays that show an edge", "part that must show it on the curve", RENDERED, (0.4, 0.68)
    )
    uneven: float = tuned(0.06, "radius", "residual of a curve that does not stand", RENDERED, (0.04, 0.075))
    move: float = tuned(
        0.35, "radius", "the furthest that a curve moves an outline or its centre", RENDERED, (0.2333, 0.4375)
    )

    # Uncertainty
    spread_factor: float = tuned(
        4.9,
        "",
        "of the spread of the rays' edges, see uncertainty.py",
        "`python -m benchmarks.boundaries --fit`",
    )
    rise_factor: float = tuned(
        0.24, "", "of the width over which the edge rises", "`python -m benchmarks.boundaries --fit`"
    )
    moved_factor: float = tuned(
        0.32, "", "of the way from the outline as it was found", "`python -m benchmarks.boundaries --fit`"
    )
    as_found: float = tuned(
        0.075,
        "diameter",
        "uncertainty of outlines that were not to be moved",
        "`python -m benchmarks.boundaries`",
    )
    unseen: float = tuned(
        0.16,
        "diameter",
        "uncertainty of outlines around which no edge was seen",
        "`python -m benchmarks.boundaries`",
    )
    poor: float = tuned(
        0.1, "diameter", "of so large an uncertainty the client is told", "a third of the volume"
    )
