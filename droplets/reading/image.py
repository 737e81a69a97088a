"""From uploaded bytes to an Image, with every limit checked before pixels are decoded.

The file's type is told from its first bytes, never from its name. Its reader (raster.py, tiff.py, or in
a process of its own video.py and microscopes.py) checks the header and gives the values as stored; here
they are turned upright and shown in 8 bits. This is the one decode boundary: whatever a decoder raises
leaves as a ServiceError whose message holds no path and nothing of the decoder.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.errors import BadRequest, ServiceError, TooLarge, UndecodableImage, UnsupportedImage
from droplets.reading.confined import READERS, ConfinedFile
from droplets.reading.planes import COLOURS, FIRST, Axes, Selection, Source, selected
from droplets.reading.raster import read_raster
from droplets.reading.stored import Stored, find_window, to_8bit
from droplets.reading.tiff import open_tiff
from droplets.types import Image

FORMATS = "PNG, JPEG, WebP, TIFF, BMP, AVI or MP4"
"""What is taken, in words."""
SNIFFED_BYTES = 32
DARK = 0.03
"""Part of the brightest channel's peak under which another channel is dark; JPEG spills a little of each."""

_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_VIDEO_BRANDS = (b"iso", b"mp4", b"avc", b"qt  ", b"M4V", b"MSNV", b"3gp", b"dash")  # HEIC has others
SIGNATURES: Final[dict[str, Callable[[bytes], bool]]] = {
    "PNG": lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
    "JPEG": lambda head: head.startswith(b"\xff\xd8\xff"),
    "WEBP": lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP",
    # the last two are BigTIFF
    "TIFF": lambda head: head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    "BMP": lambda head: head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES,
    "AVI": lambda head: head.startswith(b"RIFF") and head[8:12] == b"AVI ",
    "CZI": lambda head: head.startswith(b"ZISRAWFILE"),
    "ND2": lambda head: head.startswith(b"\xda\xce\xbe\x0a"),
    "LIF": lambda head: head.startswith(b"\x70\0\0\0") and head[8:9] == b"\x2a",
    "MP4": lambda head: head[4:8] == b"ftyp" and head[8:12].startswith(_VIDEO_BRANDS),
}
"""By format: whether a file begins as it does."""
_DATA_URL = re.compile(r"data:image/[\w.+-]{1,64};base64,", re.IGNORECASE | re.ASCII)


def decode_base64(text: str, *, max_bytes: int) -> bytes:
    """Bytes of a base64 text, which may be a data URL ("data:image/png;base64,...").

    Arguments:
        text: standard alphabet, padded, no line breaks.
        max_bytes: the most bytes it may stand for; checked on its length, before decoding.

    Raises:
        BadRequest: empty, another kind of data URL, a wrong character or wrong padding.
        TooLarge: over `max_bytes`.
    """
    if text[:5].lower() == "data:":
        prefix = _DATA_URL.match(text)
        if prefix is None:
            raise BadRequest('A data URL must begin with "data:image/TYPE;base64,".')
        text = text[prefix.end() :]
    size = len(text) // 4 * 3 - text[-2:].count("=")
    if size > max_bytes:
        raise TooLarge(f"The image has {size} bytes; the limit is {max_bytes}.")
    if not text:
        raise BadRequest("The image is empty.")
    try:
        if len(text) % 4 or text.endswith("==="):  # b64decode lets surplus padding pass
            raise binascii.Error
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one; non-ASCII text raises it plain
        raise BadRequest(
            "The image is not valid base64: use the standard alphabet with padding and no line breaks."
        ) from None


def sniff_format(head: bytes) -> str:
    """Type of an image file from its content.

    Arguments:
        head: the first 32 bytes or more.

    Returns:
        "PNG", "JPEG", "WEBP", "TIFF" (BigTIFF too), "BMP", "AVI", "MP4" (QuickTime too), "CZI", "ND2" or
        "LIF".

    Raises:
        UnsupportedImage: any other content.
    """
    for file_format, begins in SIGNATURES.items():
        if begins(head):
            return file_format
    raise UnsupportedImage(
        f"Send a picture or video as {FORMATS}; the type is told from the file's content, not its name."
    )


class ImageFile:
    """An image file: how many frames, planes and channels it has, and each of them as an image.

    A file that needs a process of its own has one from the first question to `close`, or until nobody holds
    this any longer; so many frames of a file are best read by one `ImageFile`. One thread at a time may ask.

    Arguments:
        data: the file.
        max_pixels: limit on width * height.

    Raises:
        UnsupportedImage: of no format that is taken.
    """

    def __init__(self, data: bytes, *, max_pixels: int) -> None:
        self._data, self._max_pixels = data, max_pixels
        self._format = sniff_format(data[:SNIFFED_BYTES])
        self._confined = ConfinedFile(data, self._format, max_pixels) if self._format in READERS else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def axes(self) -> Axes:
        """How many frames, planes and channels it has, each of which `image` can be asked for.

        Raises:
            UnsupportedImage, UndecodableImage: as `image`, but for what only pixels tell.
        """
        with _told_apart(self._format):
            if self._confined:
                return self._confined.axes()
            with _opened(self._data, self._format, self._max_pixels) as source:
                return source.axes

    def image(self, selection: Selection = FIRST) -> Image:
        """Decode one plane, upright.

        8-bit pictures are shown as they are; deeper ones through the window of `stored.find_window`,
        which a note gives. Alpha is dropped, palette and CMYK are converted to RGB; notes say so.

        Arguments:
            selection: channel, plane and frame that are wanted of a file with several.

        Raises:
            BadRequest: the file has no such channel, plane or frame.
            UnsupportedImage: the format needs what is not installed.
            TooManyPixels: over `max_pixels` by its header.
            UndecodableImage: damaged, incomplete, under 8x8, or a kind of pixels that is not taken.
        """
        with _told_apart(self._format):
            if self._confined:
                return _finish(self._confined.plane(selection), self._format)
            with _opened(self._data, self._format, self._max_pixels) as source:
                return _finish(selected(source, selection, self._max_pixels), self._format)

    def close(self) -> None:
        """End what was started to read it."""
        if self._confined:
            self._confined.close()


def read_axes(data: bytes, *, max_pixels: int) -> Axes:
    """How many frames, planes and channels a file has, as `ImageFile.axes`, with its arguments and errors."""
    with ImageFile(data, max_pixels=max_pixels) as file:
        return file.axes()


def decode_image(data: bytes, *, max_pixels: int, selection: Selection = FIRST) -> Image:
    """Decode one plane of an image file, as `ImageFile.image`, with its arguments and errors."""
    with ImageFile(data, max_pixels=max_pixels) as file:
        return file.image(selection)


def _opened(data: bytes, file_format: str, max_pixels: int) -> AbstractContextManager[Source]:
    """The file, by the reader of its format."""
    if file_format == "TIFF":
        return open_tiff(data, max_pixels)
    return nullcontext(Source(Axes(), lambda *_: read_raster(data, file_format, max_pixels)))


@contextmanager
def _told_apart(file_format: str) -> Iterator[None]:
    """Whatever a decoder raises leaves as a ServiceError."""
    try:
        yield
    except ServiceError:
        raise
    except MemoryError as error:
        raise UndecodableImage("The image takes more memory to decode than there is.") from error
    except Exception as error:
        # Decoders raise nearly anything on damaged files: OSError, SyntaxError, struct.error, RecursionError.
        raise UndecodableImage(f"The {file_format} file is damaged or incomplete.") from error


def _finish(stored: Stored, file_format: str) -> Image:
    """Turn the stored values upright and show them in 8 bits."""
    original = _upright(stored.values, stored.orientation)
    notes = (stored.plane, *stored.notes) if stored.plane else stored.notes
    if original.dtype == np.uint8:
        shown = original.astype(np.uint8, copy=False)
    else:
        low, high = find_window(original)
        shown = to_8bit(original, low, high)
        notes += (_window_note(stored.bit_depth, low, high),)
    pixels = cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB) if shown.ndim == 2 else shown
    only = _only_channel(original)
    if only is not None:
        notes += (f"only {COLOURS[only]} holds light: its values are the grey values",)
    size, plane, axes = stored.pixel_size, stored.plane, stored.axes
    return Image(pixels, original, stored.bit_depth, file_format, notes, size, plane, only, axes)


def _only_channel(values: NDArray[np.generic]) -> int | None:
    """Index of the channel beside which the others of HxWx3 are dark everywhere; None if there is none."""
    if values.ndim == 2:
        return None
    channels = [values[..., i] for i in range(3)]
    peaks = np.array([max(float(np.max(each)), -float(np.min(each))) for each in channels])
    brightest = int(peaks.argmax())
    others = np.delete(peaks, brightest).max()
    return brightest if others < DARK * peaks[brightest] else None


def _window_note(bit_depth: int, low: float, high: float) -> str:
    if low == high:
        return f"every {bit_depth}-bit value is {low:g}: shown as 0"
    return f"{bit_depth}-bit values from {low:g} to {high:g} shown as 0 to 255"


def _upright(values: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """HxW or HxWx3 turned as EXIF orientation 1 to 8 asks, contiguous.

    Source: EXIF 2.32, tag 0x0112: the place of the stored row 0 and column 0.
    """
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)
