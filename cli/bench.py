"""sam-droplet bench: how long a picture takes here."""

from __future__ import annotations

import json as as_json
from dataclasses import asdict
from typing import Annotated

import typer

from batch.bench import Bench
from batch.bench import bench as measured
from cli.failing import explained
from cli.model import CHECKPOINT, Checkpoint, Device, load
from config import cores


def bench(
    rounds: Annotated[int, typer.Option(min=1, help="Of which the medians are told.")] = 5,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the inference.", show_default="the cores")
    ] = None,
    device: Device = "auto",
    model: Checkpoint = CHECKPOINT,
    json: Annotated[bool, typer.Option("--json", help="As a line of JSON.")] = False,
) -> None:
    """Tell how many seconds the sample picture takes on this machine, stage by stage."""
    with explained():
        threads = threads or cores()
        result = measured(load(model, device, threads), threads, rounds)
    typer.echo(as_json.dumps(asdict(result)) if json else _text(result))


def _text(result: Bench) -> str:
    stages = result.stages
    return "\n".join(
        [
            f"{result.picture}, {result.droplets} droplets, median of {result.rounds}",
            f"  decode            {stages.decode_s:8.3f} s",
            f"  find              {stages.find_s:8.3f} s",
            f"  refine, measure   {stages.measure_s:8.3f} s",
            f"  in all            {stages.total_s:8.3f} s",
            f"{result.machine}; {result.cores} cores, {result.threads} threads",
            f"{result.device}, {result.runtime}, {result.precision}",
        ]
    )
