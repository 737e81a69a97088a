"""Where the droplets of one picture lie in a second picture of the same field.

The two may be of different kinds (brightfield and fluorescence), shifted against each other by up to
a tenth of the frame, and drifted: droplets float a little between two exposures. A map of discs,
drawn from the droplets, is compared with the second picture, both band-passed:

1. Cross-correlation over all shifts up to the limit gives candidates. Where droplets lie in a
   lattice there is one a lattice step, so several are followed, and no shift always is.
2. For each candidate the surroundings of single droplets are correlated on their own, and a drift is
   fitted to these local shifts, robustly. The candidate whose droplets match best wins, but no shift
   stands unless another one is clearly better.
3. The winner's drift is fitted with rising degree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from droplets.ddpcr.local_shifts import Plane, Points, band_pass, local_shifts, shown, windows_around
from droplets.ddpcr.settings import DdpcrSettings
from droplets.types import Mask


@dataclass(frozen=True, eq=False)
class Drift:
    """Displacement by a polynomial in the place: Kx2 `coefficients` of its terms, lower degrees first.

    Places count from `centre` in units of `scale`, each (x, y) in pixels of the frame at hand.
    """

    centre: Points
    scale: Points
    coefficients: Points

    def displacement(self, points: Points) -> Points:
        """Nx2 for Nx2 (x, y)."""
        return self.terms(points) @ self.coefficients

    def terms(self, points: Points, degree: int = 3) -> Points:
        """NxK monomials of the places, up to the degree."""
        x, y = ((points - self.centre) / self.scale).T
        return np.stack([x ** (n - i) * y**i for n in range(degree + 1) for i in range(n + 1)], axis=1)


@dataclass(frozen=True, eq=False)
class Registration:
    """Mapping from a picture to a second one, both in pixels (x, y) with pixel centres at integers.

    Attributes:
        shift: mean way in pixels of the droplets from the picture to the second one. With (78, -86)
            what lies at (100, 200) in the picture lies at (178, 114) in the second one.
        residual: median distance in pixels of the local matches from the mapping; None without any.
        matched: share of the droplets in the common field that match where the mapping puts them.
        confidence: probability that it matches better than the best other shift, 0 to 1.
        drift: None where the pictures are taken as one frame.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    residual: float | None = None
    matched: float | None = None
    confidence: float | None = None
    drift: Drift | None = None

    def map_points(self, points: Points) -> Points:
        """Nx2 (x, y) of the picture in the frame of the second one."""
        return points + self.drift.displacement(points) if self.drift else points.copy()


@dataclass(frozen=True, eq=False)
class _Match:
    """How N anchors lie under some drift.

    Attributes:
        inside: N bool: within the second picture.
        shown: N bool: and something is seen there.
        shifts: Mx2 still needed, of those inside.
        scores: N correlation coefficients after the shift, NaN outside.
        unshifted: N before it.
    """

    inside: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    shifts: Points
    scores: NDArray[np.float64]
    unshifted: NDArray[np.float64]

    @property
    def nothing(self) -> _Match:
        """The same anchors, none of which matches."""
        return replace(self, scores=0 * self.scores, unshifted=0 * self.unshifted)

    @cached_property
    def score(self) -> float:
        return float(self.unshifted[self.inside].mean()) if self.inside.any() else 0.0


@dataclass(frozen=True)
class _Round:
    """Degree of the drift that is fitted, and reach of the local shifts in pixels of the working scale."""

    degree: int
    reach: int


def register(
    droplets: Sequence[Mask], second: NDArray[np.generic], how: DdpcrSettings = DdpcrSettings()
) -> Registration:
    """Find the droplets of a picture again in a second picture of the same size.

    Arguments:
        droplets: all that was found in the picture, also what does not count.
        second: HxW, any type; droplets are brighter than the ground, some of them at least.
        how: the stage's settings.

    Returns:
        The mapping; that of one frame if no more droplets match than noise would, with confidence 0 unless
        what shines lies on droplets.
    """
    if not droplets or second.min() == second.max():
        return Registration(confidence=0.0)
    return _Registrar(droplets, second, how).register()


class _Registrar:
    """Droplets and picture at working scale, where the typical radius is `working_radius`."""

    def __init__(self, droplets: Sequence[Mask], second: NDArray[np.generic], how: DdpcrSettings) -> None:
        self._how = how
        self._first = _Round(1, how.first_reach), _Round(1, how.second_reach)
        self._later = _Round(2, how.second_reach), _Round(3, how.third_reach), _Round(3, how.last_reach)
        radii = np.sqrt([mask.area / math.pi for mask in droplets])
        self._radius = min(self._how.working_radius, float(np.median(radii)))
        zoom = self._radius / float(np.median(radii))
        height, width = second.shape
        size = math.ceil(width * zoom), math.ceil(height * zoom)
        small = cv2.resize(second.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        self._zoom = np.array(size) / (width, height)
        self._second = band_pass(small, self._radius, how)
        self._points = self._scaled(np.array([mask.centroid for mask in droplets]))
        self._radii = radii * zoom
        self._step = math.ceil(len(droplets) / self._how.anchors)
        self._anchors = self._points[:: self._step]
        centre = self._points.mean(axis=0)
        self._still = Drift(centre, np.abs(self._points - centre).max(axis=0) + 1.0, np.zeros((10, 2)))

    def register(self) -> Registration:
        followed = [self._fit(self._shifted(shift), self._first) for shift in self._candidates()]
        matches = [self._match(drift, self._first[-1].reach) for drift in followed]
        best = max(range(len(matches)), key=lambda i: matches[i].score)
        if self._lead(matches[best], matches[0]) < self._how.clearly:
            best = 0
        confidence = self._confidence(matches[best], self._rivals(followed, matches, best))
        found = self._result(self._fit(followed[best], self._later), confidence)
        return found or self._unmoved(matches[0], self._rivals(followed, matches, 0))

    def _rivals(self, followed: Sequence[Drift], matches: Sequence[_Match], one: int) -> list[_Match]:
        """The matches of shifts that are others than this one."""
        away = [np.hypot(*(drift.coefficients[0] - followed[one].coefficients[0])) for drift in followed]
        return [match for match, far in zip(matches, away, strict=True) if far > self._radius]

    def _confidence(self, best: _Match, rivals: Sequence[_Match], lit: bool = False) -> float:
        """Probability that a match is better than all its rivals; without any, better than none."""
        return float(ndtr(min(self._lead(best, match, lit) for match in rivals or [best.nothing])))

    def _lead(self, match: _Match, other: _Match, lit: bool = False) -> float:
        """Standard errors by which a match is the better one, over the anchors that both have inside.

        `lit`: over those only around which something is seen in one of the two.
        """
        both = match.inside & other.inside
        anchors = both & (match.shown | other.shown) if lit else both
        more = (match.unshifted - other.unshifted)[anchors]
        if more.size <= 1:
            return 0.0
        shared = max(1.0, self._how.droplets_a_window / self._step)
        return float(more.mean()) / (float(more.std()) * math.sqrt(shared / more.size) + 1e-6)

    def _result(self, drift: Drift, confidence: float) -> Registration | None:
        """None if no more droplets match than noise would."""
        match = self._match(drift, self._later[-1].reach)
        off = np.hypot(*match.shifts.T)
        hits = self._hits(match)
        matched = float(hits.mean()) if hits.size else 0.0
        if matched < self._how.least_matched:
            return None
        shift = drift.displacement(self._points).mean(axis=0) / self._zoom
        return Registration(
            shift=(float(shift[0]), float(shift[1])),
            residual=float(np.median(off / self._zoom.mean())),
            matched=matched,
            confidence=confidence,
            drift=Drift(
                (drift.centre + 0.5) / self._zoom - 0.5,
                drift.scale / self._zoom,
                drift.coefficients / self._zoom,
            ),
        )

    def _unmoved(self, still: _Match, rivals: Sequence[_Match]) -> Registration:
        """One frame; what shines tells how sure that is: negatives as dark as the ground match nothing."""
        hits = self._hits(still)
        lit = hits[still.shown[still.inside]]
        sure = lit.size > 0 and float(lit.mean()) >= self._how.least_matched
        return Registration(
            matched=float(hits.mean()) if hits.size else 0.0,
            confidence=self._confidence(still, rivals, lit=True) if sure else 0.0,
        )

    def _hits(self, match: _Match) -> NDArray[np.bool_]:
        """M: which of the anchors inside match where they should."""
        off = np.hypot(*match.shifts.T)
        return np.asarray((off < self._how.tolerance) & (match.scores[match.inside] > 0))

    def _scaled(self, points: Points) -> Points:
        return (points + 0.5) * self._zoom - 0.5

    def _shifted(self, shift: Points) -> Drift:
        coefficients = self._still.coefficients.copy()
        coefficients[0] = shift
        return Drift(self._still.centre, self._still.scale, coefficients)

    def _candidates(self) -> list[Points]:
        """No shift, then those of the highest cross-correlation."""
        # Imported here: 0.4 s that a plain segmentation does not need.
        from scipy.signal import correlate  # noqa: PLC0415

        height, width = self._second.shape
        limit = math.ceil(self._how.largest_shift * max(height, width) + self._radius)
        surface = correlate(
            self._second, band_pass(self._discs(self._points), self._radius, self._how), method="fft"
        )
        surface = surface[height - 1 - limit : height + limit, width - 1 - limit : width + limit]
        peaks = _peaks(surface, math.ceil(self._radius / 2), self._how.candidates)
        return [np.zeros(2), *(peaks - float(limit))]

    def _discs(self, points: Points) -> Plane:
        """HxW: 255 in the droplets, anti-aliased."""
        plane = np.zeros(self._second.shape, np.uint8)
        rounded = np.rint(np.column_stack([points, self._radii]) * 16).astype(int).tolist()
        for x, y, radius in rounded:
            cv2.circle(plane, (x, y), radius, 255, -1, cv2.LINE_AA, shift=4)
        return plane.astype(np.float32)

    def _match(self, drift: Drift, reach: int) -> _Match:
        moved = self._points + drift.displacement(self._points)
        centres = self._anchors + drift.displacement(self._anchors)
        inside = np.all((centres >= 0) & (centres <= np.array(self._second.shape[::-1]) - 1), axis=1)
        expected = windows_around(band_pass(self._discs(moved), self._radius, self._how), centres[inside])
        seen = windows_around(self._second, centres[inside])
        shifts, found, before = local_shifts(seen, expected, reach, self._how)
        scores, unshifted = np.full((2, len(inside)), np.nan)
        scores[inside], unshifted[inside] = found, before
        lit = np.zeros_like(inside)
        lit[inside] = shown(seen, self._how)
        return _Match(inside, lit, shifts, scores, unshifted)

    def _fit(self, drift: Drift, fits: Sequence[_Round]) -> Drift:
        """The drift after rounds of local matching, each taken only where it makes the match better."""
        match = self._match(drift, fits[0].reach)
        for one in fits:
            terms = drift.terms(self._anchors[match.inside], one.degree)
            if len(terms) < self._how.anchors_a_term * terms.shape[1]:
                break
            correction = np.zeros_like(drift.coefficients)
            correction[: terms.shape[1]] = _robust_fit(terms, match.shifts, match.scores[match.inside])
            fitted = Drift(drift.centre, drift.scale, drift.coefficients + correction)
            refitted = self._match(fitted, one.reach)
            if self._lead(refitted, match) > self._how.better:
                drift, match = fitted, refitted
        return drift


def _peaks(surface: Plane, apart: int, most: int) -> Points:
    """Kx2 (x, y) of the `most` highest peaks, highest first, none within `apart` pixels of another.

    Nor of the border.
    """
    size = 2 * apart + 1
    highest = surface == cv2.dilate(surface, np.ones((size, size), np.uint8))
    inner = highest[apart:-apart, apart:-apart]
    y, x = np.nonzero(inner) + np.array([[apart], [apart]])
    best = np.argsort(-surface[y, x], kind="stable")[:most]
    return np.stack([x[best], y[best]], axis=1).astype(np.float64)


def _robust_fit(terms: Points, shifts: Points, scores: NDArray[np.float64]) -> Points:
    """Kx2 coefficients by weighted least squares, repeated with Cauchy weights of a pixel's scale."""
    weights = scores
    for _ in range(15):
        root = np.sqrt(weights)[:, None]
        coefficients = np.linalg.lstsq(root * terms, root * shifts, rcond=None)[0]
        off = shifts - terms @ coefficients
        weights = scores / (1 + (off**2).sum(axis=1))
    return np.asarray(coefficients)
