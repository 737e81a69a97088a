"""The widget of napari, without a screen, before a real service. Runs where napari is installed."""

from __future__ import annotations

import os
import sys

import cv2
import numpy as np
import pytest

from tests.conftest import KEY, ROOT
from tests.test_server import serving

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("napari", reason="napari is not installed")
pytestmark = [
    pytest.mark.server,
    pytest.mark.model,
    pytest.mark.filterwarnings("default"),  # napari's own are not ours
]
PLUGIN = ROOT / "plugins" / "napari"


@pytest.fixture
def find_droplets(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(PLUGIN), *sys.path])
    from napari_sam_droplet.widget import find_droplets

    return find_droplets


def test_the_manifest_is_valid():
    from npe2 import PluginManifest

    manifest = PluginManifest.from_file(PLUGIN / "napari_sam_droplet" / "napari.yaml")
    assert [widget.display_name for widget in manifest.contributions.widgets] == ["Find droplets"]


def test_the_widget_has_its_fields(find_droplets):
    from magicgui import magicgui
    from qtpy.QtWidgets import QApplication

    assert QApplication.instance() or QApplication([])
    fields = [field.name for field in magicgui(find_droplets)]
    assert fields == ["viewer", "image", "address", "key", "pixel_size_um", "call_button"]


def test_labels_and_points_with_figures_come_back(find_droplets, tmp_path):
    """Without OpenGL there are no windows: the worker is called as napari calls it."""
    from napari.components import ViewerModel
    from napari.layers import Layer

    picture = cv2.imread(str(ROOT / "examples" / "small.jpg"), cv2.IMREAD_GRAYSCALE)
    stack = np.stack([np.zeros_like(picture), picture])
    viewer = ViewerModel()
    image = viewer.add_image(stack, name="drops", scale=(1, 2, 2), units=("pixel", "um", "um"))
    viewer.dims.set_current_step(0, 1)
    with serving(tmp_path) as server:
        made = find_droplets(viewer, image, address=server.address, key=KEY).work()
        refused = find_droplets(viewer, image, address=server.address, key="wrong")
        with pytest.raises(Exception, match="key"):
            refused.work()
    labels, points = (viewer.add_layer(Layer.create(*layer)) for layer in made)
    assert [layer.name for layer in viewer.layers] == ["drops", "drops labels", "drops objects"]
    features = points.features
    assert len(points.data) == len(features) == labels.data.max() == 8
    assert set(features["kind"]) == {"droplet", "bead"}
    assert labels.data.shape == picture.shape
    assert np.allclose(labels.scale, 2)
    assert labels.features["index"].tolist() == (features["id"] + 1).tolist()
    for place, (_, row) in zip(points.data, features.iterrows(), strict=True):
        assert row["equivalent_diameter_um"] == pytest.approx(2 * row["equivalent_diameter_px"], rel=1e-6)
        if row["kind"] == "bead":
            assert labels.data[tuple(place.round().astype(int))] == row["id"] + 1
