"""What a client points at: objects to keep whatever they are, and objects to leave out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from droplets.objects.boxes import boxes_of
from droplets.objects.filters import renumbered
from droplets.types import Droplet

MOST_NAMED = 5
"""Points that a note names; it counts the others."""


def picked(droplets: Sequence[Droplet], points: NDArray[np.float64]) -> list[int | None]:
    """Index of the smallest droplet or bead that covers each of Nx2 (x, y) pixels; None where none does.

    Arguments:
        droplets: largest area first.
        points: in the droplets' frame.
    """
    lefts, tops, rights, bottoms = boxes_of([droplet.mask for droplet in droplets])
    picks: list[int | None] = []
    for x, y in np.rint(points):
        boxed = np.flatnonzero((lefts <= x) & (rights > x) & (tops <= y) & (bottoms > y))
        covering = (int(i) for i in boxed[::-1] if droplets[i].mask.covers((x, y)))
        picks.append(next(covering, None))
    return picks


def without_picked(droplets: Sequence[Droplet], picks: Iterable[int | None]) -> tuple[list[Droplet], int]:
    """What is left without the picked droplets and what they contain; and the number that went.

    Arguments:
        droplets: any number, each after the one that contains it.
        picks: indices; None picks nothing.
    """
    going = set(picks)
    keep: list[bool] = []
    for i, droplet in enumerate(droplets):
        keep.append(i not in going and (droplet.parent is None or keep[droplet.parent]))
    return renumbered(droplets, keep), keep.count(False)


def note_on_misses(
    name: str, points: Sequence[Sequence[float]], picks: Sequence[int | None]
) -> tuple[str, ...]:
    """A remark for the client on the points at which nothing lies, none if there are no such points.

    Arguments:
        name: of the option that brought them.
        points: as the client gave them.
        picks: what lies at each.
    """
    missed = [f"[{x:g}, {y:g}]" for (x, y), pick in zip(points, picks, strict=True) if pick is None]
    if not missed:
        return ()
    others = f" and {len(missed) - MOST_NAMED} more" if len(missed) > MOST_NAMED else ""
    return (f"options.{name}: no object lies at {', '.join(missed[:MOST_NAMED])}{others}",)
