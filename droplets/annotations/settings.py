"""The tuned numbers by which scale bars and their captions are read."""

from __future__ import annotations

from dataclasses import dataclass

from droplets.tuning import tuned

BARS = "bars drawn in eight fonts, five sizes and all pure colours, tests/droplets/annotations"


@dataclass(frozen=True)
class AnnotationSettings:
    """What is a scale bar, and what is written beside it.

    Lengths in a line of text are in heights of a digit.
    """

    # The bar
    pure: int = tuned(
        25, "grey levels", "from 0 or 255 in each channel: what JPEG does to a pure colour", BARS, (17, 37)
    )
    shortest: int = tuned(16, "px", "length of a bar, at least", BARS, (11, 24))
    shortest_share: float = tuned(0.02, "side of the picture", "of a bar, at least", BARS, (0.01333, 0.03))
    longest_share: float = tuned(0.9, "side of the picture", "of a bar, at most", BARS, (0.85, 0.9333))
    thinnest_aspect: float = tuned(4.0, "", "length over thickness, at least", BARS, (2.667, 6))
    filled: float = tuned(0.97, "area", "part of its box that is of its colour", BARS, (0.955, 0.98))
    most_rectangles: int = tuned(
        24, "", "that are looked at, the longest ones; a picture of dashes has thousands", "bounds time"
    )
    min_contrast: float = tuned(
        50.0, "grey levels", "between the bar and what is around it", BARS, (33.33, 75)
    )
    clear_ends: float = tuned(
        0.9, "pixels", "part in another colour beside the bar's ends", BARS, (0.85, 0.9333)
    )
    clear_sides: float = tuned(
        0.7, "pixels", "part in another colour along the bar's sides; text may touch one", BARS, (0.55, 0.8)
    )
    unread_clear_sides: float = tuned(
        0.95, "pixels", "the same of a bar whose text cannot be read", BARS, (0.925, 0.9667)
    )
    unread_aspect: float = tuned(
        6.0, "", "length over thickness of a bar whose text cannot be read", BARS, (4, 9)
    )
    unread_spread: int = tuned(
        6, "grey levels", "within a bar whose text cannot be read, at most", BARS, (4, 9)
    )
    reach: float = tuned(0.8, "length of the bar", "how far text may be from it", BARS, (0.7, 0.8667))
    covered: float = tuned(
        0.5,
        "area",
        "part of a mask on the bar or its text from which it shows that",
        "the majority",
        (0.3333, 0.75),
    )
    most_parts: int = tuned(100, "", "of text that are looked at, the largest ones", "bounds time")

    # The text
    smallest_digit: int = tuned(7, "px", "height of a digit, at least", BARS, (5, 9))
    min_score: float = tuned(0.75, "correlation", "of a character with its template", BARS, (0.625, 0.7549))
    min_lead: float = tuned(
        0.04, "correlation", "of the best character before the second best", BARS, (0.02667, 0.06)
    )
    point_size: float = tuned(0.35, "digit", "of a decimal point, at most", BARS, (0.2333, 0.525))
    widest_ratio: float = tuned(1.4, "", "of a character's width to that of the template", BARS, (1.273, 2.1))
    largest_gap: float = tuned(1.1, "digit", "between characters", BARS, (1, 1.65))
    free_before: float = tuned(0.8, "digit", "before a number", BARS, (0.7, 0.8667))
    largest_digit_gap: float = tuned(
        0.4, "digit", "between digits: a wider one may have held a point", BARS, (0.32, 0.6)
    )
    frame_blur: float = tuned(
        1.2, "px of the frame", "against the steps of small letters", BARS, (1.143, 1.8)
    )
