"""What a client may set about digital PCR."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from droplets.parameters import Parameters

MOST_DYES = 4


class DyeOptions(Parameters):
    """One of several dyes."""

    name: Annotated[str, Field(max_length=64)] = Field("", description="As it is called in the answer.")
    threshold: float | None = Field(
        None, description="Amplitude from which a droplet is positive; null: found from the picture."
    )
    blank: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        None,
        description="Mean and standard deviation of the negatives' amplitudes in a control without template, "
        "in place of a threshold: positive is what lies three standard deviations over the mean.",
    )

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        if self.threshold is not None and self.blank is not None:
            raise ValueError("threshold and blank both say what is positive; leave one of them out")
        return self


class DdpcrOptions(Parameters):
    """How digital PCR is evaluated."""

    threshold: float | None = Field(
        None, description="Amplitude from which a droplet is positive; null: found from the picture."
    )
    channel: Literal["red", "green", "blue"] | Annotated[int, Field(ge=0, le=2)] | None = Field(
        None,
        description="Channel that shows the fluorescence, by name or index; needed where no second picture "
        "is sent. null: of a second picture in colour the one that varies most.",
    )
    registration: Literal["auto", "none"] = Field(
        "auto",
        description="auto: find shift and drift of the second picture; none: it lies as the first one.",
    )
    partition_pl: float | None = Field(
        None,
        gt=0,
        description="Nominal volume of a partition in picolitres, in place of the measured one for "
        "copies_per_ul.",
    )
    dyes: Annotated[list[DyeOptions], Field(max_length=MOST_DYES)] = Field(
        default_factory=list,
        description="Names and thresholds of several dyes, in the order of the fluorescence pictures or "
        "channels; threshold is then left out.",
        json_schema_extra={"default": []},
    )
    crosstalk: Annotated[list[list[float]], Field(max_length=MOST_DYES)] | None = Field(
        None,
        description="Of several dyes: a row a channel, a column a dye: what single positives of a dye show "
        "in the channel over what they show in their own.",
    )

    def dye(self, index: int) -> DyeOptions:
        """Of the dye of this index, with a name of its own."""
        if index >= len(self.dyes):
            return DyeOptions(name=f"dye {index + 1}", threshold=None if index else self.threshold)
        given = self.dyes[index]
        return given if given.name else given.model_copy(update={"name": f"dye {index + 1}"})
