"""The plugin of ImageJ and Fiji in Debian's ImageJ, on a screen that nobody sees, before a real service."""

from __future__ import annotations

import csv
import os
import subprocess
from pathlib import Path

import pytest
import requests
import roifile

from tests.conftest import KEY, ROOT
from tests.deployment.tools import debian_tool
from tests.test_server import Server, serving

PLUGIN = ROOT / "plugins" / "fiji"
IJ = Path("/usr/share/java/ij.jar")
PICTURE = ROOT / "examples" / "small.jpg"
MACRO = """
open("{picture}");
run("SAM Droplet...", "address={address}/ key={key} options=[{{\\"pixel_size_um\\": 2}}]");
saveAs("Results", "{out}/results.csv");
roiManager("save", "{out}/rois.zip");
File.saveString(roiManager("count") + " " + Overlay.size, "{out}/said.txt");
close();
run("Quit");
"""
MISSING = [name for name in ("javac", "jar", "java", "Xvfb") if debian_tool(name) is None]
pytestmark = [
    pytest.mark.server,
    pytest.mark.model,
    pytest.mark.skipif(bool(MISSING) or not IJ.exists(), reason=f"ImageJ or {MISSING} missing: make tools"),
]


@pytest.fixture
def server(tmp_path) -> Server:
    with serving(tmp_path) as server:
        yield server


def test_the_outlines_and_figures_of_the_open_picture_are_those_of_the_service(server, tmp_path):
    plugins = tmp_path / "plugins"
    subprocess.run([PLUGIN / "build.sh", IJ, plugins], check=True)
    macro = MACRO.format(picture=PICTURE, address=server.address, key=KEY, out=tmp_path)
    (tmp_path / "macro.ijm").write_text(macro)
    read, write = os.pipe()
    screen = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    with subprocess.Popen(screen, pass_fds=[write], stderr=subprocess.DEVNULL) as display:
        os.close(write)
        number = os.read(read, 16).decode().strip()
        java = ["java", f"-Dplugins.dir={tmp_path}", f"-Duser.home={tmp_path}", "-cp", str(IJ), "ij.ImageJ"]
        environment = {**os.environ, "DISPLAY": f":{number}"}
        try:
            subprocess.run([*java, "-macro", tmp_path / "macro.ijm"], env=environment, check=True, timeout=90)
        finally:
            display.terminate()
            os.close(read)
    answer = requests.post(
        f"{server.address}/segment_file",
        files={"file": PICTURE.read_bytes()},
        data={"options": '{"pixel_size_um": 2}'},
        headers={"X-API-Key": KEY},
        timeout=60,
    ).json()
    masks = sorted(answer["masks"], key=lambda mask: mask["id"])
    assert (tmp_path / "said.txt").read_text().split() == [str(len(masks))] * 2
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["area_px"]) for row in rows] == [mask["area"] for mask in masks]
    sizes = [float(row["equivalent_diameter_um"]) for row in rows if row["kind"] == "droplet"]
    assert sizes == pytest.approx([m["diameter_um"] for m in masks if m["kind"] == "droplet"], abs=0.01)
    names = [roi.name for roi in roifile.roiread(tmp_path / "rois.zip")]
    assert names == [f"{mask['kind']}-{mask['id']:04d}" for mask in masks]
