"""The tuned numbers of the objects' stage."""

from __future__ import annotations

from dataclasses import dataclass

from droplets.tuning import tuned

MASKS = "masks of rendered and annotated pictures, tests/droplets/objects/test_hierarchy.py"
FILTERED = (
    "rendered emulsions with specks, clumps and satellites, tests/droplets/objects/test_filters_rendered.py"
)


@dataclass(frozen=True)
class ObjectSettings:
    """Which masks show one object, what lies in what, and what the automatic filters leave out.

    Areas are parts of another mask's pixels.
    """

    # Which masks are one object
    contained: float = tuned(
        0.9, "area", "part of a mask in another one from which it is contained", MASKS, (0.85, 0.9333)
    )
    same_object: float = tuned(
        0.4,
        "area",
        "part of its container over which a contained mask shows the same object",
        MASKS,
        (0.2667, 0.6),
    )
    same_iou: float = tuned(0.6, "IoU", "from which two masks show the same object", MASKS, (0.4, 0.7333))
    twin: float = tuned(
        0.9,
        "IoU",
        "from which an object and one that is known to lie in it show the same after all",
        MASKS,
        (0.85, 0.9333),
    )
    held: float = tuned(
        0.5,
        "area",
        "part of a mask in another one, if it is known to lie in one",
        "the majority",
        (0.3333, 0.75),
    )
    clump: float = tuned(
        0.5,
        "area",
        "part of a mask that others, side by side, cover in a clump",
        "the majority",
        (0.3333, 0.75),
    )
    part: float = tuned(
        0.2,
        "area",
        "of a mask that is not round: a larger round part of it is a droplet of a clump",
        MASKS,
        (0.1333, 0.25),
    )
    off_centre: float = tuned(
        0.2, "radius", "within which an inner rim lies in the middle of its droplet", MASKS, (0.1333, 0.3)
    )
    container: float = tuned(
        0.25,
        "area",
        "part of the picture over which what holds most masks is a well or the field of view",
        MASKS,
        (0.1667, 0.375),
    )
    crowd: int = tuned(10, "masks", "that must be in it", MASKS, (7, 15))
    round: float = tuned(
        0.9,
        "circularity",
        "from which an object is round",
        "a pixelated disc has 0.95 or more, two touching ones 0.5",
        (0.85, 0.9333),
    )

    # Populations
    alike: float = tuned(
        1.25,
        "",
        "factor between diameters up to which droplets are of one size",
        "twice the volume",
        (1.25, 1.275),
    )
    share: float = tuned(
        0.75,
        "area",
        "part of the droplets' area in those of one size in a monodisperse picture",
        FILTERED,
        (0.6875, 0.7619),
    )

    # Automatic filters
    area_factor: float = tuned(
        1.5,
        "",
        "times the typical area: round droplets over it have merged, others are clumps",
        FILTERED,
        (1.2, 2.25),
    )
    min_circularity: float = tuned(
        0.6, "circularity", "under which an object is no droplet", FILTERED, (0.4, 0.7333)
    )
    debris_diameter: float = tuned(
        0.5,
        "",
        "of the typical diameter: smaller ones are specks and satellites",
        "an eighth of the volume",
        (0.3333, 0.55),
    )
    debris_share: float = tuned(
        0.05,
        "area",
        "part of the droplets' area over which small ones are a population of their own",
        FILTERED,
        (0.03333, 0.075),
    )
