"""What the wells of a run are: which pictures show one, which are replicates or controls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from droplets.ddpcr.options import MOST_DYES
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
    threshold: Literal["blanks"] | None = Field(
        None,
        description="blanks: one threshold a dye for all wells, where the negatives of the wells without "
        "template end; null: as options.ddpcr says, for each picture.",
    )
    single_positives: Annotated[list[str], Field(max_length=MOST_DYES)] = Field(
        default_factory=list,
        description="Names of wells with one dye alone, a pattern a dye in their order: give the crosstalk.",
        json_schema_extra={"default": []},
    )
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

    @model_validator(mode="after")
    def _has_blanks_for_a_threshold(self) -> Self:
        if self.threshold == "blanks" and self.blanks is None:
            raise ValueError('threshold "blanks" needs blanks, the names of the wells without template')
        return self

    def well(self, picture: str) -> str:
        """Of a picture, by its name."""
        return _same_part(self.merge_by, picture)

    def sample(self, well: str) -> str:
        """Of a well, by its name."""
        return _same_part(self.replicates, well)

    def blank(self, wells: Iterable[str]) -> list[str]:
        """Those without template."""
        return [well for well in wells if self.blanks and fnmatchcase(well, self.blanks)]

    def single_positive(self, well: str) -> int | None:
        """Index of the dye that a well alone has; None for other wells."""
        return next(
            (dye for dye, names in enumerate(self.single_positives) if fnmatchcase(well, names)), None
        )

    def decides(self, well: str) -> bool:
        """Whether the well is a control on which the analysis of the others depends."""
        is_blank = self.threshold == "blanks" and bool(self.blank([well]))
        return is_blank or self.single_positive(well) is not None


NO_PLATE = Plate()
"""Each picture is a well, each well a sample."""


def _same_part(pattern: str | None, name: str) -> str:
    """What {} stands for; the whole name where the pattern does not fit."""
    if pattern is None:
        return name
    parts = (".*".join(map(re.escape, part.split("*"))) for part in pattern.split(SAME))
    found = re.fullmatch("(.+?)".join(parts), name)
    return found[1] if found else name
