"""What the wells of a run are: which pictures show one, which are replicates or controls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from pydantic import Field, field_validator

from droplets.parameters import Parameters

SAME = "{}"
"""In a pattern: the part of a name that is the same for what belongs together."""


class Plate(Parameters):
    """How pictures make wells and wells replicates, of digital PCR."""

    merge_by: str | None = Field(
        None, description='Names of pictures of one well, such as "{}_field*": {} is the well, * anything.'
    )
    replicates: str | None = Field(
        None, description='Names of wells that hold the same, such as "{}-rep*": {} is the sample.'
    )
    blanks: str | None = Field(None, description='Names of wells without template, such as "NTC*".')
    calibrator: str | None = Field(None, description="Name of the sample that fold changes are to.")
    reference_copies: float | None = Field(
        None,
        gt=0,
        description="Copies a genome of the second dye's target: gives copy numbers of the first's.",
    )
    dilution: float = Field(1.0, ge=1, description="How many times the sample was diluted in the reaction.")
    reaction_ul: float | None = Field(
        None, gt=0, description="Microlitres of a reaction: gives dead volumes."
    )

    @field_validator("merge_by", "replicates")
    @classmethod
    def _has_one_same_part(cls, pattern: str | None) -> str | None:
        if pattern is not None and pattern.count(SAME) != 1:
            raise ValueError('must have one {}, the part that is the same, such as "{}_field*"')
        return pattern

    def well(self, picture: str) -> str:
        """Of a picture, by its name."""
        return _same_part(self.merge_by, picture)

    def sample(self, well: str) -> str:
        """Of a well, by its name."""
        return _same_part(self.replicates, well)

    def blank(self, wells: Iterable[str]) -> list[str]:
        """Those without template."""
        return [well for well in wells if self.blanks and fnmatchcase(well, self.blanks)]


NO_PLATE = Plate()
"""Each picture is a well, each well a sample."""


def _same_part(pattern: str | None, name: str) -> str:
    """What {} stands for; the whole name where the pattern does not fit."""
    if pattern is None:
        return name
    parts = (".*".join(map(re.escape, part.split("*"))) for part in pattern.split(SAME))
    found = re.fullmatch("(.+?)".join(parts), name)
    return found[1] if found else name
