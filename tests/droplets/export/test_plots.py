"""The plots are sound PNG files of the same size, whatever was found."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image as PillowImage

from droplets.export.plots import plots
from droplets.figures.clusters import clusters
from droplets.figures.encapsulation import bead_counts, encapsulation
from droplets.figures.sizes import summary
from droplets.types import PixelSize
from tests.droplets.shapes import figured

NAMES = {"diameter_histogram", "beads_per_droplet", "intensity_diameter"}


def drawn(droplets, size=None):
    return plots(
        droplets, summary(droplets, size), encapsulation(bead_counts(droplets)), clusters(droplets), size
    )


def some(count):
    random = np.random.default_rng(count)
    droplets = [
        figured(diameter=d, grey=(g, 0, 255, 5, g))
        for d, g in zip(random.normal(40, 2, count), random.normal(100, 5, count), strict=True)
    ]
    return droplets + [figured(kind="bead", parent=i) for i in range(0, count, 3)]


@pytest.mark.parametrize("count", [0, 1, 2, 60])
def test_pictures_are_900_by_600(count):
    files = drawn(some(count))
    assert set(files) == NAMES
    for name, data in files.items():
        picture = PillowImage.open(io.BytesIO(data))
        assert (picture.format, picture.size) == ("PNG", (900, 600)), name
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 5, name


def test_the_unit_stands_in_the_plot():
    droplets = some(60)
    pixels, micrometres = drawn(droplets), drawn(droplets, PixelSize(1.0, "request"))
    assert pixels["diameter_histogram"] != micrometres["diameter_histogram"]
    assert pixels["intensity_diameter"] != micrometres["intensity_diameter"]
    assert pixels["beads_per_droplet"] == micrometres["beads_per_droplet"]


def test_equal_droplets_are_drawn():
    assert set(drawn([figured()] * 30)) == NAMES


def test_droplets_full_of_beads_are_drawn():
    assert set(drawn([figured(), *[figured(kind="bead", parent=0)] * 100])) == NAMES


def test_threads_draw_the_same():
    droplets = some(60)
    once = drawn(droplets)
    with ThreadPoolExecutor(4) as pool:
        for files in pool.map(drawn, [droplets] * 4):
            assert files == once


def test_a_segmentation_loads_no_module_that_takes_long_and_is_seldom_used():
    code = "import sys, app; assert not {'matplotlib', 'sklearn', 'scipy.stats'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pyplot_is_never_loaded():
    code = (
        "import sys; from tests.droplets.export.test_plots import drawn, some; drawn(some(20));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
