"""The images that the Dockerfile and docker-compose.yml start from: the real ones, else stand-ins.

Where no image registry answers, an engine of the tests' own gets images of the same names made of
Debian's packages: stand_ins/NAME/Dockerfile for each, on a root by debootstrap. They are kept in the
engine's cache.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

from scripts.tools import PATH
from tests.e2e.engine import CACHE, Engine
from tests.e2e.pip_settings import read_settings

STAND_INS = Path(__file__).with_name("stand_ins")
SAME = {"valkey": "redis"}
ROOT_IMAGE = "sam-e2e/debian"
SUITE = "bookworm"  # its Python is 3.11
LABEL = "sam-e2e.stand-in"
PYTHON = "python3,python3-pip,python3-venv,ca-certificates"


def provide(engine: Engine, image: str) -> str | None:
    """Make `image` available in the engine; returns why that cannot be, None if it is there."""
    known = _label(engine, image)
    if known == "":
        return None
    if known is None and engine.try_docker("pull", "--quiet", image, timeout=600).returncode == 0:
        return None
    folder = STAND_INS / _name(image)
    if not engine.own or not folder.is_dir():
        return f"the image {image} cannot be pulled"
    if reason := _provide_root(engine):
        return f"the image {image} cannot be pulled, and {reason}"
    with tempfile.TemporaryDirectory() as context:
        shutil.copytree(folder, context, dirs_exist_ok=True)
        if folder.name == "python":
            _add_machines_settings(Path(context))
        options = ["--quiet", "--network", "host", "--label", f"{LABEL}=yes", "--tag", image]
        engine.docker("build", *options, context, timeout=600)
    return None


def _label(engine: Engine, image: str) -> str | None:
    """The stand-in's label, "" of a real image, None without such an image."""
    query = ["--format", f'{{{{index .Config.Labels "{LABEL}"}}}}']
    found = engine.try_docker("image", "inspect", *query, image)
    return found.stdout.decode().strip() if found.returncode == 0 else None


def _name(image: str) -> str:
    """Folder of the stand-in: the last part of the image's name without tag and digest."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return SAME.get(name, name)


def _add_machines_settings(context: Path) -> None:
    """What pip needs on this machine: its settings and the certificates it trusts."""
    settings = read_settings()
    folder = context / "pip"
    folder.mkdir()
    (folder / "pip.conf").write_text(settings.text)
    for name, file in settings.files.items():
        shutil.copyfile(file, folder / name)
    trusted = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    shutil.copyfile(trusted, context / "ca-certificates.crt")


def _provide_root(engine: Engine) -> str | None:
    """Import Debian's root as ROOT_IMAGE; returns why that cannot be."""
    if engine.try_docker("image", "inspect", ROOT_IMAGE).returncode == 0:
        return None
    if shutil.which("debootstrap", path=PATH) is None:
        return "for a stand-in debootstrap is missing (`make tools`)"
    mirror = _mirror()
    if mirror is None:
        return "this machine's apt sources name no mirror of Debian for a stand-in"
    root = Path(tempfile.mkdtemp(prefix="root-", dir=CACHE))
    try:
        options = ["--variant=minbase", f"--include={PYTHON}"]
        _run(["debootstrap", *options, SUITE, str(root), mirror])
        for emptied in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / emptied)
            (root / emptied / "partial").mkdir(parents=True)
        archive = root.with_suffix(".tar")
        _run(["tar", "-C", str(root), "--numeric-owner", "-cf", str(archive), "."])
        engine.docker("import", str(archive), ROOT_IMAGE)
    finally:
        shutil.rmtree(root)
        root.with_suffix(".tar").unlink(missing_ok=True)
    return None


def _mirror() -> str | None:
    """Address of the mirror of Debian that this machine's own apt uses."""
    if shutil.which("apt-get") is None:
        return None
    listing = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages"]
    for _ in range(2):
        mirrors = [line.split()[0] for line in _run(listing).splitlines() if line.endswith(" Debian")]
        if mirrors:
            return mirrors[0]
        _run(["apt-get", "-qq", "update"])  # without package lists no mirror says what it is
    return None


def _run(command: list[str]) -> str:
    environment = {**os.environ, "PATH": PATH}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        error = subprocess.CalledProcessError(done.returncode, command)
        error.add_note((done.stdout + done.stderr)[-3000:])
        raise error
    return done.stdout
