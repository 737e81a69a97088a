"""The tuned numbers of digital PCR."""

from __future__ import annotations

from dataclasses import dataclass

from droplets.tuning import tuned

PAIRS = "rendered pairs with known shift, drift and positives, tests/droplets/ddpcr"
TABLES = "rendered pictures in 22 tables and of one to three dyes, tests/droplets/ddpcr/test_false_colours.py"
DMIQE = "dMIQE 2020, Clin. Chem. 66:1012, and rendered pairs"


@dataclass(frozen=True)
class DdpcrSettings:
    """How two pictures are laid on each other, droplets measured and positives told; when to warn.

    Pixels are those of the working scale, where the typical radius is `working_radius`, unless it is said.
    """

    # False colours
    colour_step: int = tuned(8, "grey levels", "that colours are told apart by, a divisor of 256", TABLES)
    even_colour_step: int = tuned(
        16, "grey levels", "the same at even places, where JPEG leaves noise", TABLES
    )
    even_window: int = tuned(5, "px", "side of the window that is even around an even place", TABLES)
    even_span: int = tuned(40, "grey levels", "within that window, at most", TABLES)
    most_colours: int = tuned(400, "colours", "that are looked at, evenly chosen of more", "bounds time")
    near_curve: float = tuned(2.5, "steps", "of a colour off a table's curve, at most", TABLES)
    on_curve: float = tuned(0.9, "colours", "part near the curve, from which they are of a table", TABLES)
    least_fall: float = tuned(
        0.15, "of the widest channel", "that a channel of a table falls, from which light is not told", TABLES
    )

    # Registration
    largest_shift: float = tuned(0.1, "frame", "between the two pictures, at most", PAIRS, (0.08, 0.15))
    working_radius: float = tuned(8.0, "px", "that a droplet's radius is scaled down to", PAIRS, (5.333, 12))
    candidates: int = tuned(
        8,
        "shifts",
        "of the highest cross-correlation that are followed",
        "a lattice has six neighbours",
        (5, 12),
    )
    anchors: int = tuned(400, "droplets", "whose surroundings are matched", "bounds time")
    narrow_band: float = tuned(
        0.3, "radius", "sigma of the narrower Gaussian of the band-pass", PAIRS, (0.2, 0.45)
    )
    wide_band: float = tuned(1.2, "radius", "sigma of the wider Gaussian of the band-pass", PAIRS, (0.8, 1.8))
    contrast_window: float = tuned(
        2.0, "radius", "sigma of the window over which contrast is made even", PAIRS, (1.333, 3)
    )
    contrast_floor: float = tuned(
        0.3, "", "of the median contrast: less is made no more visible", PAIRS, (0.2, 0.45)
    )
    noise_floor: float = tuned(
        3.0,
        "standard deviations of the noise",
        "contrast under which nothing is made more visible",
        PAIRS,
        (2, 4.5),
    )
    most_contrast: float = tuned(
        3.0, "local contrasts", "at which the band-passed picture is cut off", PAIRS, (2, 4.5)
    )
    least_energy: float = tuned(0.5, "mean window", "what shows less scores less", PAIRS, (0.3333, 0.75))
    least_shown: float = tuned(
        0.25, "of the highest energy", "in a window in which anything is seen", "pairs with dark negatives"
    )
    first_reach: int = tuned(8, "px", "of local shifts in the first round, the radius", PAIRS, (5, 12))
    second_reach: int = tuned(
        6, "px", "the same in the second round, and in the first of the drift's", PAIRS, (4, 9)
    )
    third_reach: int = tuned(5, "px", "the same in the round after it", PAIRS, (3, 7))
    last_reach: int = tuned(4, "px", "the same in the last round", PAIRS, (3, 6))
    least_matched: float = tuned(
        0.4, "droplets", "part that must match: up to that share matches noise", PAIRS, (0.2667, 0.6)
    )
    tolerance: float = tuned(
        2.0, "px", "a quarter of the radius: what a matched droplet may be off", PAIRS, (1.333, 3)
    )
    anchors_a_term: int = tuned(6, "droplets", "that a drift needs for each of its terms", PAIRS, (4, 9))
    droplets_a_window: float = tuned(
        4.0,
        "droplets",
        "in a window: where each is an anchor, so many windows tell as much as one",
        "derived",
        (2.667, 6),
    )
    better: float = tuned(
        1.5, "standard errors", "by which a drift must match better to be taken", PAIRS, (1, 2.25)
    )
    clearly: float = tuned(
        2.0, "standard errors", "by which a shift must match better than none", PAIRS, (1.333, 2.2)
    )

    # Partitions
    smallest: float = tuned(
        0.5,
        "usual diameter",
        "under which a droplet is debris, no partition",
        "tests of specks among droplets",
    )
    least_circularity: float = tuned(
        0.7,
        "",
        "under which a droplet is deformed: a ball's volume says nothing of it",
        "ellipse of axes 2.7 : 1",
    )
    inner: float = tuned(
        0.6,
        "radius",
        "that is measured: droplets stir a little, and rims mix with neighbours",
        PAIRS,
        (0.4, 0.7333),
    )
    ground_percentile: float = tuned(
        10.0,
        "percentile",
        "of a window that is ground: less than the gaps of a dense raft cover",
        "hexagonal packing leaves 9.3 %",
        (6.667, 15),
    )
    ground_window: float = tuned(3.0, "diameters", "of that window", PAIRS, (2, 4.5))
    ground_detail: float = tuned(
        12.0, "px", "that a diameter is scaled down to for the ground", "bounds time"
    )
    most_correction: float = tuned(3.0, "", "of the light's unevenness", PAIRS, (2, 4.5))
    negatives_a_term: int = tuned(5, "negatives", "that the light's trend needs for each of its terms", PAIRS)
    clearly_apart: float = tuned(
        1.1, "", "times the resolution, over which light is corrected: a fit always gains a little", PAIRS
    )

    # Vacancies
    room: float = tuned(
        0.9,
        "pitch",
        "that a vacant place is off its nearest neighbour",
        "rafts and grids with known vacancies",
    )
    neighbour_reach: float = tuned(
        1.25, "pitch", "within which a neighbour lies", "rafts and grids with known vacancies"
    )
    neighbours: int = tuned(3, "partitions", "around a vacant place", "rafts and grids with known vacancies")
    lit_vacancy: float = tuned(
        0.5, "negatives' amplitude", "from which a vacant place holds a negative", "rendered rafts with holes"
    )
    visible: float = tuned(
        2.0, "standard deviations", "of the negatives, over which they are seen", "rendered rafts with holes"
    )
    most_vacant: float = tuned(
        0.05, "droplets", "part over which negatives are said to be missed", "rendered rafts with holes"
    )
    withheld: float = tuned(
        0.25, "droplets", "part missed over which there is no lambda is given", "a bound alone is left"
    )

    # Volume
    pixel_size_uncertainty: float = tuned(
        0.005, "relative", "standard uncertainty of a pixel size", "a stage micrometer read to a line of 200"
    )

    # Threshold
    fewest_values: int = tuned(
        20, "droplets", "whose distribution is looked at; of fewer the widest gap is", PAIRS, (13, 30)
    )
    fewest_of_gap: int = tuned(
        8, "droplets", "that a split is looked for in: of fewer any may be rare", "tests of one population"
    )
    plain_gap: float = tuned(
        1.5, "range of a side", "over which a gap between few values is plain", "tests of one population"
    )
    least_scale: float = tuned(
        0.05,
        "highest amplitude",
        "up to which amplitudes are compared straight, not by logarithm",
        PAIRS,
        (0.03333, 0.075),
    )
    valley: float = tuned(
        0.5,
        "",
        "of the values around the median of the smaller side: so few lie around a split",
        PAIRS,
        (0.3333, 0.75),
    )
    least_apart: float = tuned(
        1.0,
        "resolution",
        "of two populations",
        "halves of a normal distribution have 0.66, of a uniform one 0.87",
        (0.6667, 1.5),
    )
    least_rise: float = tuned(1.25, "", "of the positives' mean over the negatives'", PAIRS, (0.8333, 1.875))
    prior: float = tuned(
        5.0,
        "values",
        "by which the spread of the larger side counts for the smaller one",
        PAIRS,
        (3.333, 7.5),
    )
    narrowest: float = tuned(
        0.02, "range of all values", "standard deviation of a population, at least", PAIRS, (0.01333, 0.03)
    )
    doubtful: float = tuned(
        0.05,
        "probability",
        "of the other population from which a droplet is rain",
        "Lievens et al. 2016, PLoS ONE 11:e0153317",
        (0.03333, 0.075),
    )
    outermost: float = tuned(
        0.05, "droplets", "part at either end that may differ from a single population", PAIRS
    )
    dim: float = tuned(
        1.0, "ground", "amplitude under which a single population is negative", PAIRS, (0.6667, 1.5)
    )
    bright: float = tuned(
        10.0, "ground", "amplitude over which a single population is positive", PAIRS, (6.667, 15)
    )

    end_of_negatives: float = tuned(
        3.0,
        "standard deviations",
        "over the mean of a control's negatives, where positives begin",
        "definetherain: Jones et al. 2014, J. Virol. Methods 202:46",
    )

    # Warnings
    fewest_droplets: int = tuned(100, "droplets", "under which the interval is called wide", DMIQE)
    least_resolution: float = tuned(
        2.0, "resolution", "under which the populations are called poorly apart", DMIQE
    )
    most_rain: float = tuned(
        0.025, "droplets", "part between the populations over which there is rain", DMIQE
    )
    most_volume_cv: float = tuned(
        0.2, "", "coefficient of variation of volumes over which lambda is called too low", DMIQE
    )
    least_confidence: float = tuned(
        0.9, "probability", "under which the registration is called uncertain", DMIQE
    )
    few_matched: float = tuned(
        0.5, "droplets", "part that matches under which the registration may be wrong", PAIRS
    )
    least_overlap: float = tuned(0.5, "droplets", "part in the common field under which that is said", PAIRS)
