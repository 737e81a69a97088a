"""The model, as commands that need it are told of it and load it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from config import MODEL

if TYPE_CHECKING:
    from batch.model import SharedModel

CHECKPOINT = MODEL / "mobile_sam.pt"
Checkpoint = Annotated[
    Path,
    typer.Option(
        envvar="SAM_MODEL_PATH", help="MobileSAM's checkpoint.", show_default="where fetch-model puts it"
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where the model runs.")]


@cache
def load(checkpoint: Path, device: str, threads: int) -> SharedModel:
    """The model, loaded once.

    Raises:
        ModelUnavailable: a file is missing or wrong, or there is no such device.
    """
    from batch.model import SharedModel  # noqa: PLC0415  # loads torch; not for help, nor where nothing is to do

    return SharedModel(checkpoint, device, threads)
