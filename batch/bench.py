"""How long a picture takes on this machine, stage by stage."""

from __future__ import annotations

import platform
import re
import statistics
import time
from dataclasses import dataclass, fields
from pathlib import Path

from batch.engine import MOST_PIXELS, Model
from config import MODEL, cores
from droplets.options import AnalysisOptions
from droplets.pipeline import analyze
from droplets.reading.image import decode_image
from droplets.types import Generation, MaskRequest

SAMPLE = MODEL.parent / "examples" / "droplets.png"
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Stages:
    """Seconds of a picture: reading its file, finding objects, all that follows, and the whole."""

    decode_s: float
    find_s: float
    measure_s: float
    total_s: float


@dataclass(frozen=True)
class Bench:
    """What was timed, and on what.

    Attributes:
        picture: name of the file; droplets: found in it.
        rounds: that were timed, after one that was not.
        stages: medians over the rounds.
        machine: processor and system.
        cores: that the process may use; threads: of the inference.
        device, precision, runtime: of the model.
    """

    picture: str
    droplets: int
    rounds: int
    stages: Stages
    machine: str
    cores: int
    threads: int
    device: str
    precision: str
    runtime: str


def bench(model: Model, threads: int, rounds: int, picture: Path = SAMPLE) -> Bench:
    """Time a picture: the rendered sample of 640x480 with 120 droplets, if no other one is given.

    Arguments:
        model: a loaded one.
        threads: that it was loaded with.
        rounds: of which the medians are taken.
        picture: file to analyse.

    Raises:
        ServiceError: the picture cannot be analysed.
        OSError: it cannot be read.
    """
    data = picture.read_bytes()
    droplets, _ = _timed(data, model)
    timed = [_timed(data, model)[1] for _ in range(rounds)]
    names = [field.name for field in fields(Stages)]
    medians = {name: statistics.median(getattr(one, name) for one in timed) for name in names}
    made = model.made_with
    return Bench(
        picture=picture.name,
        droplets=droplets,
        rounds=rounds,
        stages=Stages(**medians),
        machine=f"{_processor()}, {platform.system()}",
        cores=cores(),
        threads=threads,
        device=made.device,
        precision=made.precision,
        runtime=made.runtime,
    )


def _processor() -> str:
    """Its name as Linux tells it, elsewhere its kind."""
    told = CPU_INFO.read_text(encoding="utf-8") if CPU_INFO.is_file() else ""
    name = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return name[1] if name else platform.machine()


def _timed(data: bytes, model: Model) -> tuple[int, Stages]:
    """Number of droplets, and seconds."""
    finding = 0.0

    def generate(request: MaskRequest) -> Generation:
        nonlocal finding
        began = time.perf_counter()
        generation = model.generate(request)
        finding += time.perf_counter() - began
        return generation

    started = time.perf_counter()
    image = decode_image(data, max_pixels=MOST_PIXELS)
    decoded = time.perf_counter()
    analysis = analyze(image, generate, AnalysisOptions())
    ended = time.perf_counter()
    droplets = sum(droplet.kind == "droplet" for droplet in analysis.droplets)
    stages = Stages(decoded - started, finding, ended - decoded - finding, ended - started)
    return droplets, stages
