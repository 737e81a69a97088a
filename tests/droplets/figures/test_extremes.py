"""Pictures at the ends of their numbers: every figure is finite, or null in the answer."""

from __future__ import annotations

import io
import json
import math
import warnings

import numpy as np
import pytest
import tifffile

from droplets.export.figures import rounded
from droplets.figures.picture import picture_statistics
from droplets.objects.filters import Filters
from droplets.reading.image import decode_image
from tests.conftest import KEY

SHAPE = (24, 32)
LARGEST = float(np.finfo(np.float32).max)
RAMP = np.linspace(0, 1, 24 * 32, dtype=np.float64).reshape(SHAPE)
NAN = np.where(RAMP > 0.5, np.nan, RAMP)
EXTREMES = {
    **{
        f"constant {value:g}": np.full(SHAPE, value)
        for value in (0, 1e14, -1e14, 1e30, LARGEST, -LARGEST, 1e-38, 1e-45, 16_777_217.0)
    },
    "huge": RAMP * LARGEST,
    "from end to end": (RAMP * 2 - 1) * LARGEST,
    "beyond float32": RAMP * 1e300,
    "tiny": RAMP * 1e-38,
    "denormal": RAMP * 1e-44,
    "two neighbours": np.where(RAMP > 0.5, 1e14, np.nextafter(np.float32(1e14), np.float32(2e14))),
    "much NaN": NAN,
    "one that is no NaN": np.where(RAMP == 1, 7.0, np.nan),
    "infinite": np.where(RAMP > 0.5, np.inf, -np.inf),
    "with infinities": np.where(RAMP > 0.9, np.inf, RAMP),
    "with a minus infinity and NaN": np.where(RAMP > 0.9, -np.inf, NAN),
}


def tiff(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="rgb" if values.ndim == 3 else "minisblack")
    return file.getvalue()


def assert_finite(value) -> None:
    if isinstance(value, dict):
        for item in value.values():
            assert_finite(item)
    elif isinstance(value, list):
        for item in value:
            assert_finite(item)
    elif isinstance(value, float):
        assert math.isfinite(value)


def stored(name: str, dtype: type, channels: int) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the cast
        values = EXTREMES[name].astype(dtype)
    return tiff(values if channels == 1 else np.stack([values, values[::-1], values[:, ::-1]], axis=-1))


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize(("dtype", "channels"), [(np.float32, 1), (np.float64, 1), (np.float32, 3)])
def test_every_figure_of_an_extreme_picture_is_finite_or_null(client, name, dtype, channels):
    data = stored(name, dtype, channels)
    for path in ("/preview", "/analyze_image"):
        answer = client.post(path, data={"file": (io.BytesIO(data), "a.tif")}, headers={"X-API-Key": KEY})
        assert answer.status_code in {200, 422}, answer.text
    if answer.status_code == 200:
        body = json.loads(answer.text)
        assert_finite(body)
        assert sum(body["overall"]["histogram"]["counts"]) == 24 * 32


@pytest.mark.parametrize("name", [name for name in EXTREMES if "constant" in name])
def test_the_figures_of_a_constant_are_that(name):
    image = decode_image(tiff(EXTREMES[name].astype(np.float32)), max_pixels=10_000)
    statistics = picture_statistics(image)
    figures, value = statistics["overall"], float(EXTREMES[name].astype(np.float32)[0, 0])
    assert figures["mean"] == pytest.approx(value, rel=1e-6)
    assert (figures["min"], figures["max"], figures["median"]) == (value, value, value)
    assert figures["std"] == 0
    assert sum(figures["histogram"]["counts"]) == 24 * 32
    Filters.parse(rounded(statistics["suggested_filters"]), "filters")


@pytest.mark.model
@pytest.mark.parametrize("channels", [1, 3])
def test_an_extreme_picture_is_segmented_with_finite_figures(model_app, channels):
    """Points make it measure something, whatever is to be seen."""
    for name in ("constant 1e+14", "from end to end", "denormal", "one that is no NaN", "with infinities"):
        answer = model_app.test_client().post(
            "/advanced_analysis",
            data={
                "file": (io.BytesIO(stored(name, np.float32, channels)), "a.tif"),
                "options": json.dumps({"quality": "fast", "points": [[16, 12]]}),
            },
            headers={"X-API-Key": KEY},
        )
        assert answer.status_code == 200, (name, answer.text)
        assert_finite(json.loads(answer.text))
