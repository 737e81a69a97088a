"""Files of a run that are open: one that gives many pictures is read once, and its decoder started once."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from threading import Lock

from batch.files import File
from droplets.reading.image import ImageFile
from droplets.reading.planes import Selection
from droplets.types import Image


class OpenFile:
    """A file that has been read; threads take turns at its planes.

    Arguments:
        file: its content is held.
        max_pixels: limit of a picture.

    Raises:
        UndecodableImage: it cannot be read.
        UnsupportedImage: of no format that is taken.
    """

    def __init__(self, file: File, max_pixels: int) -> None:
        data = file.read()
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._image_file = ImageFile(data, max_pixels=max_pixels)
        self._lock = Lock()

    def image(self, selection: Selection) -> Image:
        """One plane, with the errors of `ImageFile.image`."""
        with self._lock:
            return self._image_file.image(selection)


class OpenFiles:
    """The latest two files, as frames of a pair follow each other.

    Arguments:
        max_pixels: limit of a picture.
    """

    def __init__(self, max_pixels: int) -> None:
        self._lock = Lock()
        self._opened = lru_cache(maxsize=2)(lambda file: OpenFile(file, max_pixels))

    def of(self, file: File) -> OpenFile:
        """The file, with the errors of `OpenFile`."""
        with self._lock:  # so that threads at the frames of one video do not hold it several times
            return self._opened(file)
