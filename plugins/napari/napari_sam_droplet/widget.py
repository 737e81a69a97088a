"""The widget: napari makes its fields of the function's arguments, whose types it needs as they are."""

from typing import Annotated, Any

import numpy as np
from napari import Viewer
from napari.layers import Image
from napari.qt.threading import FunctionWorker, create_worker
from napari.types import LayerDataTuple
from numpy.typing import NDArray

from napari_sam_droplet.client import Found, find

FEATURES = ["kind", "confidence", "equivalent_diameter_px", "equivalent_diameter_um"]
COLOURS = {"droplet": "orange", "bead": "dodgerblue", "other": "purple"}


def find_droplets(
    viewer: Viewer,
    image: Image,
    address: str = "http://127.0.0.1:9487",
    key: Annotated[str, {"widget_type": "Password"}] = "",
    pixel_size_um: Annotated[float, {"min": 0, "step": 0.01, "label": "pixel size (µm, 0: see layer)"}] = 0.0,
) -> FunctionWorker[list[LayerDataTuple]]:
    """Find the droplets of a layer, in the background.

    Arguments:
        viewer: tells the plane in view of a stack.
        image: layer that is sent.
        address: of the service.
        key: of the service's API.
        pixel_size_um: micrometres a pixel; 0 for what the layer's scale and units say.

    Returns:
        Worker that gives layers for labels and points.
    """
    pixels = _plane(image, viewer.dims.current_step)
    size = pixel_size_um or _pixel_size_um(image)
    options = {"pixel_size_um": size} if size else {}

    def work() -> list[LayerDataTuple]:
        return _layers(image, find(pixels, address, key, options))

    return create_worker(work)


def _plane(image: Image, step: tuple[int, ...]) -> NDArray[Any]:
    """HxW or HxWx3 of what is in view."""
    pixels = np.asarray(image.data[tuple(step[-image.ndim : -2])] if image.ndim > 2 else image.data)  # noqa: PLR2004
    return pixels[..., :3] if image.rgb else pixels


def _pixel_size_um(image: Image) -> float | None:
    """Of the layer's columns; None where its unit is no length."""
    width = image.scale[-1] * image.units[-1]
    return float(width.to("um").magnitude) if width.is_compatible_with("um") else None


def _layers(image: Image, found: Found) -> list[LayerDataTuple]:
    """Labels, and a point an object in the colour of its kind; both lie on the layer."""
    place = {"scale": image.scale[-2:], "translate": image.translate[-2:], "units": image.units[-2:]}
    features = found.table[FEATURES].reset_index()
    of_labels = features.assign(index=features["id"] + 1)  # napari finds the label by this column
    centres = found.table[["centroid_y_px", "centroid_x_px"]].to_numpy()
    points = {
        "features": features,
        "face_color": [COLOURS[kind] for kind in features["kind"]],
        "size": 6,
    }
    return [
        (found.labels, {"name": f"{image.name} labels", "features": of_labels, **place}, "labels"),
        (centres, {"name": f"{image.name} objects", **points, **place}, "points"),
    ]
