"""What a client may ask of an analysis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from droplets.ddpcr.options import MOST_DYES, DdpcrOptions
from droplets.objects.filters import AutomaticFilters, Filters
from droplets.parameters import Parameters
from droplets.preprocess import Preprocessing
from droplets.reading.pixel_size import LARGEST_UM, SMALLEST_UM
from droplets.reading.planes import Selection
from droplets.types import EdgeKind, Objects, Quality

MOST_ADDED = 500
MOST_EXCLUDED = 10_000  # a lasso may leave out most of a picture's droplets
MOST_DRAWN = 500
MOST_CORNERS = 200


def _or_else(message: str) -> WrapValidator:
    """One message for a value that fits none of several types."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(message) from None

    return WrapValidator(check)


Index = Annotated[int, Field(ge=0, lt=10**9)]
ChannelName = Annotated[str, Field(min_length=1, max_length=64)]
Channel = Annotated[
    Index | ChannelName,
    _or_else("Input should be an index from 0 or a name"),
]
Channels = Annotated[
    Index | ChannelName | Annotated[list[Index | ChannelName], Field(min_length=1, max_length=MOST_DYES)],
    _or_else(f"Input should be an index from 0 or a name, or a list of up to {MOST_DYES} of them"),
]
Plane = Annotated[
    Literal["best focus", "max"] | Index,
    _or_else("Input should be 'best focus', 'max' or an index from 0"),
]
Point = Annotated[list[float], Field(min_length=2, max_length=2)]
Polygon = Annotated[list[Point], Field(min_length=3, max_length=MOST_CORNERS)]


def _polygon_or(other: Any) -> WrapValidator:
    """A list of lists is checked as a polygon, all else as `other`, so that an error is about just that."""
    strict = ConfigDict(strict=True, allow_inf_nan=False)
    polygon, rest = TypeAdapter(Polygon, config=strict), TypeAdapter(other, config=strict)

    def check(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
        nested = isinstance(value, list) and bool(value) and isinstance(value[0], list)
        return (polygon if nested else rest).validate_python(value)

    return WrapValidator(check)


def _with_radius(circle: list[float]) -> list[float]:
    if circle[2] <= 0:
        raise ValueError("the radius should be over 0")
    return circle


Box = Annotated[list[int], Field(min_length=4, max_length=4)]
Region = Annotated[Box | Polygon, _polygon_or(Box)]
Circle = Annotated[list[float], Field(min_length=3, max_length=3), AfterValidator(_with_radius)]
Shape = Annotated[Circle | Polygon, _polygon_or(Circle)]


def _all_or_single(value: Any) -> Any:
    """A bool as it is, else the filters; checked here, so that an error names the field it is about."""
    if isinstance(value, bool | AutomaticFilters):
        return value
    return AutomaticFilters.parse(value, "options.automatic_filters")


class Options(Parameters):
    """How a picture is analysed."""

    quality: Quality = Field(
        "balanced", description="fast, balanced or thorough: speed against small objects."
    )
    points: list[Point] | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="[x, y] pixels: segment only what lies at these points.",
    )
    add: list[Point] = Field(
        [],
        max_length=MOST_ADDED,
        description="[x, y] pixels of objects to add to those that are found; no filter removes them.",
    )
    exclude: list[Point] = Field(
        [],
        max_length=MOST_EXCLUDED,
        description="[x, y] pixels: the smallest object that is left at each goes, with what it contains.",
    )
    drawn: list[Shape] = Field(
        [],
        max_length=MOST_DRAWN,
        description="Circles [x, y, radius] and polygons [[x, y], ...] in pixels: objects with just these "
        "outlines, beside those that are found; no filter removes them.",
    )
    roi: Region | None = Field(
        None,
        description="[x, y, width, height] pixels: analyse only this part, as if it were the picture. Or a "
        "polygon [[x, y], ...]: analyse all, and keep what has its centre inside.",
    )
    refine_edges: bool = Field(
        True,
        description="Move each mask's boundary to the object's true edge; false keeps the model's masks.",
    )
    contents: bool = Field(
        True, description="Find beads and cells too small for the model, in the droplets or glowing."
    )
    objects: Objects = Field(
        "auto",
        description="What the objects are that lie in no other one: droplets or beads, told from the picture "
        "where it is auto.",
    )
    edge: EdgeKind = Field(
        "auto",
        description="What the objects' edges are: a dark ring, the fall of a light (of what glows or has a "
        "bright rim), or a wall between neighbours, as in foam; told from the picture where it is auto.",
    )
    diameter_px: float | None = Field(
        None,
        gt=0,
        description="About the diameter of a droplet in pixels, for the automatic filters: what is much "
        "smaller is debris, what is much larger and not round a clump, in pictures of many sizes too.",
    )
    automatic_filters: Annotated[AutomaticFilters | bool, BeforeValidator(_all_or_single)] = Field(
        True,
        description="false switches all automatic filters off, an object single ones.",
    )
    channel: Channel | None = Field(
        None,
        description="Index or name of the channel that is analysed, of a file with several or of a picture "
        "in colour (red, green, blue); null: the first one, or all colours.",
    )
    plane: Plane = Field(
        "best focus",
        description="Of a z stack the sharpest plane, the maximum over all planes, or an index from 0.",
    )
    frame: Index = Field(0, description="Index of the frame, from 0, of a time series or video.")
    fluorescence_channel: Channels | None = Field(
        None,
        description="Index or name of the channel that shows the fluorescence for digital PCR: of the "
        "fluorescence picture, or of the picture itself where none is sent. A list for several dyes.",
    )
    pixel_size_um: float | None = Field(
        None, ge=SMALLEST_UM, le=LARGEST_UM, description="Width of one pixel in micrometres."
    )
    ddpcr: DdpcrOptions | None = Field(
        None, description="Digital PCR, asked for by an object or by a fluorescence picture."
    )

    @property
    def box(self) -> list[int] | None:
        """XYWH of the part that is analysed as if it were the picture; None for all of it."""
        return [side for side in self.roi or () if isinstance(side, int)] or None

    @property
    def polygon(self) -> list[list[float]] | None:
        """Corners (x, y) of the region in which an object's centre must lie; None for anywhere."""
        return [corner for corner in self.roi or () if isinstance(corner, list)] or None

    @property
    def selection(self) -> Selection:
        """What of the picture's file is read."""
        return Selection(self.channel, self.plane, self.frame)

    @property
    def fluorescence_selections(self) -> list[Selection]:
        """What of a file is read that shows the fluorescence, one a dye; its channel is never guessed."""
        option, chosen = "options.fluorescence_channel", self.fluorescence_channel
        channels = chosen if isinstance(chosen, list) else [chosen]
        return [Selection(one, self.plane, self.frame, option, first=False) for one in channels]

    @property
    def automatic(self) -> AutomaticFilters:
        """Each automatic filter on or off."""
        chosen = self.automatic_filters
        if isinstance(chosen, AutomaticFilters):
            return chosen
        return AutomaticFilters(**dict.fromkeys(AutomaticFilters.model_fields, chosen))


@dataclass(frozen=True)
class AnalysisOptions:
    """Everything that a request may set about an analysis."""

    options: Options = field(default_factory=Options)
    filters: Filters = field(default_factory=Filters)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
