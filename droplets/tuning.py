"""Numbers that were tuned, as values: each stage has a frozen dataclass of them, in its room's settings.py.

A tuned number is one that could be another: it was chosen because results were good with it. What a file
format, a formula or a definition fixes is none and stands beside the code that needs it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

Value = TypeVar("Value", int, float)

KEY = "tuned"


@dataclass(frozen=True)
class Tuned:
    """What is known of a tuned number.

    Attributes:
        unit: of the number; "" for a ratio or a count.
        meaning: what it is.
        source: where it comes from: literature, a derivation, or what it was measured on.
        stays: lowest and highest value with which the scores of rendered pictures stay within 0.002 of
            those with the number itself, see `python -m benchmarks.ranges`; None where that is not asked:
            the number bounds memory or time, or says when the client is warned.
    """

    unit: str
    meaning: str
    source: str
    stays: tuple[float, float] | None = None


def tuned(
    value: Value, unit: str, meaning: str, source: str, stays: tuple[float, float] | None = None
) -> Value:
    """A field of a settings dataclass with this default; the other arguments are those of `Tuned`."""
    found: Value = field(default=value, metadata={KEY: Tuned(unit, meaning, source, stays)})
    return found


def tuned_numbers(settings: type[Any]) -> dict[str, Tuned]:
    """By name, what is known of each tuned number of a dataclass."""
    return {one.name: one.metadata[KEY] for one in fields(settings) if KEY in one.metadata}
