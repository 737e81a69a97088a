"""scripts/install.sh with a pip that only notes what it is asked, and the real uv without a network."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
UV = Path(sysconfig.get_path("scripts")) / "uv"
PINNED = "torch==2.10.0+cpu torchvision==0.25.0+cpu"
CLOSED = "http://127.0.0.1:9"
PIP = """\
import json, os, pathlib, sys
with open(os.environ["ASKED"], "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
if "--target" in sys.argv:
    folder = pathlib.Path(sys.argv[sys.argv.index("--target") + 1], "bin")
    folder.mkdir()
    (folder / "uv").symlink_to(os.environ["UV"])
"""
NOTING_UV = """\
#!/bin/sh
echo "$@" >> "$ASKED.uv"
cat >> "$ASKED.uv"
"""


class Run:
    """One run of the script.

    Attributes:
        done: the finished script.
        pip: the arguments of each call of pip.
        uv: the arguments of uv and what it was to install, "" where it was not called.
    """

    def __init__(self, folder: Path, uv: Path, **variables: str) -> None:
        venv.create(folder / "venv")
        packages = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
        (Path(packages) / "pip").mkdir(parents=True)
        (Path(packages) / "pip" / "__main__.py").write_text(PIP)
        asked = folder / "asked"
        nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), CLOSED)
        quick = {"UV_HTTP_RETRIES": "0", "UV_NO_CACHE": "1", "UV_NO_CONFIG": "1"}
        ours = {"PATH": "/usr/bin:/bin", "UV": str(uv), "ASKED": str(asked)}
        self.done = subprocess.run(
            ["sh", "scripts/install.sh", str(folder / "venv")],
            cwd=ROOT,
            env={**ours, **nowhere, **quick, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        self.pip = [json.loads(line) for line in asked.read_text().splitlines()]
        noted = folder / "asked.uv"
        self.uv = noted.read_text() if noted.exists() else ""


@pytest.fixture
def noting_uv(tmp_path) -> Path:
    file = tmp_path / "uv"
    file.write_text(NOTING_UV)
    file.chmod(0o755)
    return file


def last(run: Run) -> str:
    return " ".join(run.pip[-1])


def test_without_variables_uv_chooses_the_build_and_pip_installs_the_rest(tmp_path, noting_uv):
    run = Run(tmp_path, noting_uv)
    assert run.done.returncode == 0, run.done.stderr
    assert "--torch-backend auto" in run.uv.splitlines()[0]
    assert last(run).endswith("-c requirements.lock -r requirements.txt")
    assert run.done.stdout == ""


@pytest.mark.skipif(not UV.exists(), reason="uv is not installed")
def test_where_that_build_cannot_be_had_pip_takes_its_default_and_says_so(tmp_path):
    run = Run(tmp_path, UV)
    assert (run.done.returncode, run.done.stderr) == (0, "")
    assert "pip's default" in run.done.stdout
    assert last(run).endswith("-c requirements.lock -r requirements.txt")


def test_where_there_is_no_uv_pip_takes_its_default(tmp_path):
    run = Run(tmp_path, tmp_path / "none")
    assert run.done.returncode == 0, run.done.stderr
    assert "pip's default" in run.done.stdout
    assert last(run).endswith("-r requirements.txt")


def test_an_empty_name_is_pips_default_build(tmp_path, noting_uv):
    run = Run(tmp_path, noting_uv, TORCH_BACKEND="")
    assert (run.done.returncode, run.uv, len(run.pip)) == (0, "", 1)
    assert last(run).endswith("-c requirements.lock -r requirements.txt")


def test_a_named_build_comes_by_uv_and_the_rest_by_pip(tmp_path, noting_uv):
    run = Run(
        tmp_path, noting_uv, TORCH_BACKEND="cpu", TORCH_SPEC="torch==2.10.0+cpu torchvision==0.25.0+cpu"
    )
    assert run.done.returncode == 0, run.done.stderr
    options, *wanted = run.uv.splitlines()
    assert "--torch-backend cpu" in options
    assert options.endswith(PINNED)
    assert wanted == re.findall(r"^torch(?:vision)?>=.*", (ROOT / "requirements.txt").read_text(), re.M)
    assert last(run).endswith(f"-r requirements.txt {PINNED}")


def test_an_index_of_ones_own_wins(tmp_path, noting_uv):
    run = Run(tmp_path, noting_uv, TORCH_BACKEND="cpu", TORCH_INDEX="http://wheels.invalid/cpu")
    assert (run.uv, len(run.pip)) == ("", 1)
    assert "--extra-index-url http://wheels.invalid/cpu" in last(run)


@pytest.mark.skipif(not UV.exists(), reason="uv is not installed")
@pytest.mark.parametrize("backend", ["cpu", "cu130"])
def test_uv_looks_for_that_build_and_for_no_other(tmp_path, backend):
    run = Run(tmp_path, UV, TORCH_BACKEND=backend)
    assert run.done.returncode != 0
    assert set(re.findall(r"/(\w+)/torch/", run.done.stderr)) == {backend}
    assert len(run.pip) == 1  # pip does not go on with another build


@pytest.mark.skipif(not UV.exists(), reason="uv is not installed")
def test_a_build_that_is_unknown_is_said(tmp_path):
    run = Run(tmp_path, UV, TORCH_BACKEND="gpu")
    assert run.done.returncode != 0
    assert "'gpu'" in run.done.stderr
    assert "cpu" in run.done.stderr
