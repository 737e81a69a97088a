"""The pipelines in examples/ and the descriptor in plugins/ call the command line with flags that it has."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import yaml

from tests.cli.typed import segment_as_typed
from tests.conftest import ROOT
from training.rendering.plain import render_brightfield

EXAMPLES = ROOT / "examples"
SNAKEMAKE = shutil.which("snakemake", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def test_the_descriptor_of_biaflows_gives_flags_that_there_are():
    descriptor = json.loads((ROOT / "plugins" / "biaflows" / "descriptor.json").read_text())
    command = descriptor["command-line"]
    given = {}
    for field in descriptor["inputs"]:
        value = str(field.get("default-value", "2.5"))
        given[field["id"]] = value
        flag = field.get("command-line-flag")
        assert field["value-key"] in command, field["id"]
        command = command.replace(field["value-key"], f"{flag} {value}" if flag else value)
        for choice in field.get("value-choices", []):
            segment_as_typed(f"{flag} {choice} --out x pictures")
    assert "[" not in command
    start, arguments = command.split(" segment ")
    assert start == "sam-droplet"
    asked = segment_as_typed(arguments)
    assert asked["inputs"] == [given["infolder"]]
    for name in ("quality", "objects", "edge", "pixel_size_um", "diameter_px"):
        assert str(asked[name]) == given[name]


def test_the_pipelines_call_the_command_as_it_is():
    snakefile = (EXAMPLES / "snakemake" / "Snakefile").read_text()
    (command,) = re.findall(r'"sam-droplet segment (.*)"', snakefile)
    command = command.format(input="in", wildcards=Wildcards, params=Wildcards)
    asked = segment_as_typed(command)
    assert (asked["inputs"], asked["pixel_size_um"], asked["json"]) == (["in"], 1.14, True)
    module = EXAMPLES / "nextflow" / "modules" / "local" / "samdroplet" / "segment"
    process = (module / "main.nf").read_text()
    ((command, end),) = re.findall(r"sam-droplet segment (.*) \$args (.*)", process)
    (usual,) = re.findall(r"args \?: '(.*)'", process)
    assert segment_as_typed(f"{command} {usual}")["out"] == Path("results")
    assert end == "|| [ \\$? -eq 1 ]"
    emitted = set(re.findall(r"emit: (\w+)", process))
    told = yaml.safe_load((module / "meta.yml").read_text())["output"]
    assert {name for each in told for name in each} == emitted


class Wildcards:
    plate, um = "plate", 1.14


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.skipif(SNAKEMAKE is None, reason="Snakemake is not installed")
def test_snakemake_gives_a_table_of_all_plates(tmp_path):
    for seed, plate in enumerate(("a", "a", "b")):
        (tmp_path / "pictures" / plate).mkdir(parents=True, exist_ok=True)
        picture = render_brightfield(160, 120, count=7, diameter=30, seed=seed)
        cv2.imwrite(str(tmp_path / "pictures" / plate / f"{seed}.png"), picture.pixels)
    (tmp_path / "pictures" / "b" / "bad.png").write_bytes(b"no picture")
    command = tmp_path / "bin" / "sam-droplet"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -W ignore -m cli "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    snakemake = [SNAKEMAKE, "--cores", "1", "--snakefile", EXAMPLES / "snakemake" / "Snakefile"]
    done = subprocess.run(
        snakemake, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "results" / "pictures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["plate"], row["picture"]) for row in rows] == [
        ("a", "0.png"),
        ("a", "1.png"),
        ("b", "2.png"),
    ]
    assert all(int(row["droplets"]) > 0 for row in rows)
