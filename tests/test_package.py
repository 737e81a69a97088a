"""The project as an installed package: whole, and importable from anywhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
import yaml

from cli.serve import APP, SETTINGS
from config import VERSION
from tests.conftest import ROOT

ROOMS = ("api", "batch", "cli", "droplets", "examples", "jobs", "model", "store", "training", "web")
SOURCES = ("*.py", "*.toml", "requirements*.txt", "README.md", "LICENSE", "NOTICE")
DATA = {".html", ".css", ".svg", ".js", ".lua", ".png", ".jpg", ".json", ".safetensors"}
MADE_HERE = shutil.ignore_patterns("__pycache__", "*.pt", "cache", "source.json")
IMPORT_ALL = """
import importlib, json, sys
names = ["app", "auth_middleware", "config", "sam_service", "cli.main", "batch.model"]
names += ["model.fetch", "training.train", "web.plotly"]
print(json.dumps([importlib.import_module(name).__file__ for name in names]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Folder that pip has installed the project into, out of a copy of the sources."""
    copy = tmp_path_factory.mktemp("sources")
    for pattern in SOURCES:
        for file in ROOT.glob(pattern):
            shutil.copy(file, copy)
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=MADE_HERE)
    folder = tmp_path_factory.mktemp("installed")
    # setuptools is here, as torch needs it: nothing is asked of an index.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*pip, "--target", folder, copy], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_can_be_imported_from_any_folder(installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(Path(file).is_relative_to(installed) for file in json.loads(done.stdout))


def test_all_that_runs_is_in_it(installed):
    for room in ROOMS:
        for file in (ROOT / room).rglob("*"):
            place = file.relative_to(ROOT)
            if file.suffix in DATA | {".py"} and not {"__pycache__", "cache"} & set(place.parts):
                assert (installed / place).is_file() or file.name == "source.json", place


def test_its_requirements_are_those_of_requirements_txt(installed):
    (metadata,) = installed.glob("sam_droplet_segmentation-*.dist-info")
    package = PathDistribution(metadata)
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    extra = [each for each in package.requires if "extra ==" in each]
    assert len(package.requires) - len(extra) == len(wanted)
    wanted = {"czifile", "nd2", "liffile", "pyarrow", "laptrack", "ray", "ipykernel", "pandas", "seaborn"}
    assert {re.match(r"\w+", each)[0] for each in extra} == wanted
    assert package.version == VERSION


def test_the_command_is_installed_and_can_serve_from_any_folder(installed, tmp_path):
    environment = {"PYTHONPATH": str(installed), "HOME": str(tmp_path), "API_KEYS": "some-key-of-adas:Ada:1"}
    gunicorn = ["-W", "ignore", "-m", "gunicorn", "--check-config", "--config", SETTINGS, APP]
    for arguments in ([installed / "bin" / "sam-droplet", "version"], gunicorn):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_the_manifests_name_the_same_version():
    deployment = next(yaml.safe_load_all((ROOT / "k8s" / "base" / "deployment.yaml").read_text()))
    pod = deployment["spec"]["template"]["spec"]
    images = {part["image"] for part in (*pod["containers"], *pod["initContainers"])}
    assert images == {f"sam-droplets:{VERSION}"}
