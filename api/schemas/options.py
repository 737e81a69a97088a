"""What a client may set of an analysis, and of how it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from droplets import options as analysis

MaskFormat = Literal["rle", "png", "polygon", "none"]


class Options(analysis.Options):
    """How a picture is analysed and answered."""

    mask_format: MaskFormat = Field(
        "rle", description="COCO compressed RLE, a PNG data URL a mask, polygons, or no masks."
    )
    plots: bool = Field(False, description="Plots as PNG data URLs in the answer of /advanced_analysis.")


@dataclass(frozen=True)
class Asked(analysis.AnalysisOptions):
    """Everything that a request may set."""

    options: Options = field(default_factory=Options)
