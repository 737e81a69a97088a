"""The values that data is carried in from stage to stage.

Coordinates are (x, y) pixels of the uploaded picture after its EXIF orientation was applied,
with pixel centres at integers. Boxes are XYWH. Arrays are HxW or HxWx3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

BEAD = 0.5
"""Probability from which an object is a bead."""

HALF_PIXEL = 0.5
"""From a pixel's centre, at an integer, to its edge."""
NOTHING = -50.0
"""Logit of what was not seen at all."""
GREY_AXES = 2
"""Rows and columns; pictures in colour have a third axis."""

Box = tuple[int, int, int, int]
Kind = Literal["droplet", "bead", "other"]
Quality = Literal["fast", "balanced", "thorough"]
Objects = Literal["auto", "droplets", "beads"]
EdgeKind = Literal["auto", "ring", "fall", "wall"]
Finder = Literal["head", "prompt", "hand", "contents"]
PixelSizeSource = Literal["request", "OME-TIFF", "ImageJ TIFF", "TIFF", "CZI", "ND2", "LIF", "scale bar"]


@dataclass(frozen=True)
class PixelSize:
    """Width of one (square) pixel in micrometres, and where it was read."""

    um: float
    source: PixelSizeSource


@dataclass(frozen=True)
class FileAxes:
    """Frames (time) and planes (z) of a file, and its channels as clients read them, such as "1 (FAM)"."""

    frames: int = 1
    planes: int = 1
    channels: tuple[str, ...] = ()


ONE_PLANE = FileAxes()


@dataclass(frozen=True, eq=False)
class InnerHeat:
    """What the network takes for the centre of something that lies in an object, all over a picture.

    Attributes:
        logits: hxw float32, of the probability in each cell or one beside it; `NOTHING` where nobody looked.
        scale: cells per pixel of the picture.
        left, top: of the first cell, in pixels of the picture.
    """

    logits: NDArray[np.float32]
    scale: float
    left: float = 0.0
    top: float = 0.0

    @classmethod
    def unseen(cls, width: int, height: int, scale: float) -> InnerHeat:
        """Of a picture of `width` x `height` pixels before anything is taken in."""
        size = math.ceil(height * scale) + 1, math.ceil(width * scale) + 1
        return cls(np.full(size, NOTHING, np.float32), scale)

    def take_in(self, logits: NDArray[np.float32], x: int, y: int) -> None:
        """Logits of a part of the picture that begins at the pixel (x, y); the higher ones of two parts."""
        own = self.logits[int(y * self.scale) :, int(x * self.scale) :]
        height, width = (min(sides) for sides in zip(own.shape, logits.shape, strict=True))
        np.maximum(own[:height, :width], logits[:height, :width], out=own[:height, :width])

    def moved(self, x: int, y: int) -> InnerHeat:
        """The same where the picture's first pixel is not (0, 0) but (x, y)."""
        return replace(self, left=self.left + x, top=self.top + y)

    def at(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
        """N: the logits at N pixels of the picture."""
        height, width = self.logits.shape
        column = ((x - self.left + HALF_PIXEL) * self.scale).astype(np.int64)
        row = ((y - self.top + HALF_PIXEL) * self.scale).astype(np.int64)
        return self.logits[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)].astype(np.float64)


@dataclass(frozen=True, eq=False)
class Image:
    """A decoded picture.

    Attributes:
        pixels: HxWx3 uint8 RGB, what the model sees. Deeper pictures are windowed to 8 bit.
        original: HxW (grey) or HxWx3 (RGB), uint8, uint16 or float32: the values as stored,
            without alpha; every intensity figure is computed from these.
        bit_depth: bits of one stored value (1 to 32).
        format: as `reading.image.sniff_format` tells it, such as "TIFF".
        notes: remarks for the client, such as "alpha dropped", `plane` among them.
        pixel_size: as the file's tags give it; None if they do not.
        plane: which plane of its file it is, such as "channel 1 (FAM) of 2, frame 0 of 12"; empty where there
            is but one.
        only_channel: index of the channel of a colour picture that alone holds light; None where several do,
            or it is grey.
        axes: what else its file holds.
    """

    pixels: NDArray[np.uint8]
    original: NDArray[np.generic]
    bit_depth: int
    format: str
    notes: tuple[str, ...] = ()
    pixel_size: PixelSize | None = None
    plane: str = ""
    only_channel: int | None = None
    axes: FileAxes = ONE_PLANE

    @property
    def in_colour(self) -> bool:
        """Whether its stored values are RGB."""
        return self.original.ndim > GREY_AXES

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, eq=False)
class Mask:
    """A region of the picture: a boolean crop and where its top-left corner lies.

    Attributes:
        x, y: column and row of the crop's top-left pixel in the picture.
        crop: hxw bool, tight: its first and last row and column each hold a True.
        predicted_iou: the model's own estimate of the mask's quality, 0 to 1.
        stability_score: IoU of the masks at a logit threshold one above and one below, 0 to 1.
        found_by: "head" for the one pass over the picture, "prompt" for the decoder where that saw nothing
            or was unsure, "hand" for what a client pointed at or drew, "contents" for what was looked for
            in droplets or glows.
        bead_probability: that it shows a bead rather than a droplet, 0 to 1; None where nothing says.
        inner: whether it lies in another object; None where nothing says.
        unsure: whether it is much less sure to be an object than most of its picture, as gaps between
            droplets are.
    """

    x: int
    y: int
    crop: NDArray[np.bool_]
    predicted_iou: float = 1.0
    stability_score: float = 1.0
    found_by: Finder = "prompt"
    bead_probability: float | None = None
    inner: bool | None = None
    unsure: bool = False

    @classmethod
    def from_array(cls, full: NDArray[np.bool_], x: int = 0, y: int = 0, **others: Any) -> Mask | None:
        """Tight mask of the True pixels of HxW `full`, whose corner is (x, y); None if it has none."""
        rows, columns = np.flatnonzero(full.any(axis=1)), np.flatnonzero(full.any(axis=0))
        if not rows.size:
            return None
        top, left = int(rows[0]), int(columns[0])
        crop = full[top : rows[-1] + 1, left : columns[-1] + 1].copy()
        return cls(x + left, y + top, crop, **others)

    @cached_property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.crop))

    @property
    def width(self) -> int:
        """Columns of the box."""
        return int(self.crop.shape[1])

    @property
    def height(self) -> int:
        """Rows of the box."""
        return int(self.crop.shape[0])

    @property
    def box(self) -> Box:
        """XYWH in pixels."""
        return self.x, self.y, self.width, self.height

    @cached_property
    def centroid(self) -> tuple[float, float]:
        """Mean (x, y) of the pixels."""
        sums = cv2.moments(self.crop.view(np.uint8), binaryImage=True)
        return self.x + sums["m10"] / sums["m00"], self.y + sums["m01"] / sums["m00"]

    def spans(self, width: int, height: int) -> bool:
        """Whether the mask reaches from one border of a picture of `width` x `height` to the opposite one."""
        return self.width >= width or self.height >= height

    def redrawn(self, pixels: Mask) -> Mask:
        """The same object with the pixels of another mask."""
        return replace(self, x=pixels.x, y=pixels.y, crop=pixels.crop)

    @property
    def shows_bead(self) -> bool:
        """Whether it is known to show a bead rather than a droplet."""
        return self.bead_probability is not None and self.bead_probability >= BEAD

    def moved(self, x: int, y: int) -> Mask:
        """The mask x pixels further right and y further down."""
        return replace(self, x=self.x + x, y=self.y + y)

    def paint(self, canvas: NDArray[Any], value: float) -> None:
        """Set the mask's pixels in HxW `canvas`, which has the picture's size."""
        canvas[self.y : self.y + self.height, self.x : self.x + self.width][self.crop] = value

    def covers(self, point: tuple[float, float]) -> bool:
        """Whether the pixel that (x, y) lies in is one of the mask's."""
        column, row = round(point[0]) - self.x, round(point[1]) - self.y
        return 0 <= column < self.width and 0 <= row < self.height and bool(self.crop[row, column])

    def intersection(self, other: Mask) -> int:
        """Number of pixels that both masks cover."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        if left >= right or top >= bottom:
            return 0
        own = self.crop[top - self.y : bottom - self.y, left - self.x : right - self.x]
        their = other.crop[top - other.y : bottom - other.y, left - other.x : right - other.x]
        return int(np.count_nonzero(own & their))

    def iou(self, other: Mask) -> float:
        """Intersection over union, 0 to 1."""
        both = self.intersection(other)
        return both / (self.area + other.area - both)


@dataclass(frozen=True, eq=False)
class Boundary:
    """A mask and the object's true edge.

    Attributes:
        mask: the pixels whose centres lie within the contour, or the model's own where it was kept.
        contour: Kx2 float64 (x, y) in pixels, sub-pixel, the last point joined to the first; None where
            the model's mask was kept. Of what was drawn by hand it is the drawn one.
        residual: root mean square distance in pixels of the edge found on single rays from the contour.
        contrast: steepness of the edge over the noise of the picture around it, 0 for none.
        rise: pixels over which the edge rises; 0 where the model's mask was kept.
        uncertainty: standard uncertainty of the equivalent diameter in pixels; see boundaries/uncertainty.py.
        inner_diameter: of the inner edge of a dark rim, equivalent, in pixels; None where there is none.
        kept_because: why mask and contour were kept as they were; None where they were moved to the edge.
    """

    mask: Mask
    contour: NDArray[np.float64] | None = None
    residual: float = 0.0
    contrast: float = 0.0
    rise: float = 0.0
    uncertainty: float | None = None
    inner_diameter: float | None = None
    kept_because: str | None = None


@dataclass(frozen=True, eq=False)
class MaskRequest:
    """What a mask generator is asked of one picture.

    Attributes:
        pixels: HxWx3 uint8 RGB.
        quality: speed against small objects.
        points: Nx2 (x, y) pixels, to find only what lies there; None for everything.
        add: Nx2 (x, y) pixels of what is to be found beside that.
    """

    pixels: NDArray[np.uint8]
    quality: Quality
    points: NDArray[np.float64] | None = None
    add: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))

    @property
    def prompts(self) -> NDArray[np.float64]:
        """Nx2 (x, y) pixels: each point that somebody has pointed at."""
        return self.add if self.points is None else np.concatenate([self.points, self.add])


@dataclass(frozen=True, eq=False)
class Generation:
    """What a mask generator gives for one picture.

    Attributes:
        masks: one or more an object, in no order.
        timing_ms: milliseconds a stage took ("encode", "generate", and "queue" where there is one); 0 where
            nothing had to be done.
        everything: masks of the whole picture, where only some were asked for; these lie among them.
        inner: where the network sees something in objects; None where nobody looked.
    """

    masks: Sequence[Mask]
    timing_ms: Mapping[str, float]
    everything: Sequence[Mask] = ()
    inner: InnerHeat | None = None


@dataclass(frozen=True)
class Intensity:
    """Grey values under a mask, in the units of the stored picture (population figures)."""

    mean: float
    min: float
    max: float
    std: float
    median: float
    pixels: int


@dataclass(frozen=True)
class Shape:
    """Figures of a mask's outline; lengths in pixels. Formulas: droplets/objects/measure.py."""

    equivalent_diameter: float
    max_feret_diameter: float
    perimeter: float
    circularity: float
    solidity: float


@dataclass(frozen=True)
class BorderDistance:
    """Free pixels between a mask's box and each border of the picture.

    Attributes:
        top, bottom, left, right: 0 where the mask reaches the last row or column.
        closed: whether the object's curve is known to close within the picture all the same.
    """

    top: int
    bottom: int
    left: int
    right: int
    closed: bool = False

    @property
    def nearest(self) -> int:
        """The smallest of the four."""
        return min(self.top, self.bottom, self.left, self.right)

    @property
    def touching(self) -> list[str]:
        """Names of the borders that cut the object off."""
        if self.closed:
            return []
        free = {"top": self.top, "bottom": self.bottom, "left": self.left, "right": self.right}
        return [side for side, pixels in free.items() if pixels == 0]


@dataclass(frozen=True)
class Fluorescence:
    """A droplet's light in the fluorescence picture, in stored values.

    Attributes:
        intensity: mean over the middle half of its inner pixels.
        amplitude: the intensity above the ground between the droplets, under even light.
        positive: None where it cannot be told.
    """

    intensity: float
    amplitude: float
    positive: bool | None


@dataclass(frozen=True, eq=False)
class Droplet:
    """A mask with its figures.

    Attributes:
        mask: where it is.
        kind: "droplet", "bead" (a small object within a droplet) or "other".
        parent: index, in the list it stands in, of the droplet that contains it; None if there is none.
        confidence: that it is of this kind, 0 to 1.
        boundary: its edge to a fraction of a pixel; None before refinement.
        channels: figures of red, green and blue in a colour picture; empty for a grey one.
        fluorescence: for digital PCR, of the first dye; None where the droplet does not count there.
        further_dyes: the same of the dyes beside it.
        excluded: why it does not count for digital PCR; None where it does, or that was not asked for.
    """

    mask: Mask
    kind: Kind
    parent: int | None
    intensity: Intensity
    shape: Shape
    border: BorderDistance
    confidence: float = 1.0
    boundary: Boundary | None = None
    channels: tuple[Intensity, ...] = ()
    fluorescence: Fluorescence | None = None
    further_dyes: tuple[Fluorescence | None, ...] = ()
    excluded: str | None = None

    @property
    def uncertainty(self) -> float | None:
        """Standard uncertainty of the equivalent diameter in pixels; None where none is known."""
        return self.boundary.uncertainty if self.boundary else None

    @property
    def inner_diameter(self) -> float | None:
        """Equivalent diameter of the inner edge of a dark rim, in pixels; None where there is none."""
        return self.boundary.inner_diameter if self.boundary else None
