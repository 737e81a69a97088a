"""From a clean scene to what a camera and a file make of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Scene = NDArray[np.float32]


@dataclass(frozen=True)
class Sensor:
    """What happens to a scene of HxWx3 float32 grey levels.

    Attributes:
        blur: standard deviation in pixels.
        shrink: pixels of the file per pixel of the scene; it is enlarged again by `interpolation`.
        noise, coarse, shot: standard deviation in grey levels, whether it is correlated, and whether it
            grows with the light.
        stretch: None; "flat" for a fraction of the range, "full" for percentiles over all of it, "hard" for
            nearly black and white.
        gamma: of the grey levels.
        inverted: dark for bright.
        quality: of JPEG; None without.
    """

    blur: float
    shrink: float
    interpolation: int
    noise: float
    coarse: bool
    shot: bool
    stretch: str | None
    gamma: float
    inverted: bool
    quality: int | None

    @classmethod
    def any(cls, random: np.random.Generator, smallest: float, *, lit: bool) -> Sensor:
        """Any for objects of radius `smallest` and more: they keep some pixels, and are not far out of focus.

        Objects that give light are still seen where they are hardly larger than what the optics resolve.
        """
        least = 1.8 if lit else 2.5
        shrink = float(random.choice([1, 1, 1, 0.62, 0.5, 0.4, 0.25, 0.15]))
        shrink = shrink if smallest * shrink >= least else 1.0
        blur = float(random.choice([0, 0.6, 1.0, 1.6, 2.5, 4.0])) * random.uniform(0.6, 1.2)
        return cls(
            blur=min(blur, max(0.14 * smallest, min(0.45 * smallest, 1.2 / shrink) if lit else 0)),
            shrink=shrink,
            interpolation=int(random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LINEAR])),
            noise=float(random.choice([0.3, 1.5, 3, 6, 10])) * random.uniform(0.5, 1.2),
            coarse=bool(random.uniform() < 0.4),
            shot=bool(random.uniform() < 0.4),
            stretch=str(random.choice(["flat", "full", "hard"], p=[0.47, 0.43, 0.1]))
            if random.uniform() < 0.5
            else None,
            gamma=random.uniform(0.55, 1.7),
            inverted=bool(random.uniform() < 0.07),
            quality=int(random.integers(25, 96)) if random.uniform() < 0.35 else None,
        )

    @property
    def spread(self) -> float:
        """Standard deviation of all blur in pixels of the scene, that of the file's pixels among it."""
        pixel = 0.5 / self.shrink if self.shrink < 1 else 0.3
        return float(np.hypot(self.blur if self.blur > 0.3 else 0, pixel))

    def take(self, random: np.random.Generator, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """HxWx3 uint8, and the same as it would be without noise and compression."""
        height, width = scene.shape[:2]
        clean = cv2.GaussianBlur(scene, (0, 0), self.blur) if self.blur > 0.3 else scene
        if self.shrink < 1:
            clean = cv2.resize(clean, None, fx=self.shrink, fy=self.shrink, interpolation=cv2.INTER_AREA)
        strength = self.noise * np.sqrt(np.maximum(clean, 1) / 100) if self.shot else self.noise
        noisy = clean + strength * self._noise(random, clean.shape)
        low, high = np.percentile(clean[::4, ::4], (0.3, 99.7))
        factor, shift = 1.0, 0.0
        if self.stretch == "flat":
            factor = random.uniform(0.12, 0.6)
            shift = random.uniform(70, 180) - factor * float(clean.mean())
        elif self.stretch == "full":
            factor = min(255 / max(high - low, 6), 12)
            shift = -factor * low
        elif self.stretch == "hard":
            factor = min(255 / max(high - low, 6) * random.uniform(2, 8), 40)
            shift = 127 - factor * (low + random.uniform(0.2, 0.8) * (high - low))
        file, without = (
            self._file(np.asarray(factor * light + shift, np.float32)) for light in (noisy, clean)
        )
        if self.quality is not None:
            coded = cv2.imencode(".jpg", file, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1]
            file = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
        if self.shrink < 1:
            file, without = (
                cv2.resize(one, (width, height), interpolation=self.interpolation) for one in (file, without)
            )
        return file, without

    def _noise(self, random: np.random.Generator, shape: tuple[int, ...]) -> Scene:
        """Standard normal, the same in all colours or of each its own."""
        planes = 3 if random.uniform() < 0.3 else 1
        noise = random.standard_normal((*shape[:2], planes), np.float32)
        if self.coarse:
            noise = 1.8 * cv2.GaussianBlur(noise, (0, 0), 0.7).reshape(noise.shape)
        return noise

    def _file(self, light: Scene) -> NDArray[np.uint8]:
        """Grey levels as they are stored."""
        levels = 255 * (np.clip(light, 0, 255) / 255) ** self.gamma
        stored: NDArray[np.uint8] = np.rint(255 - levels if self.inverted else levels).astype(np.uint8)
        return stored
