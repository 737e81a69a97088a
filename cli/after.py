"""What can be done with a folder of results: sam-droplet report and sam-droplet convert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batch.convert import convert as write_exports
from batch.exports import EXPORTS
from batch.run import report as write_report
from cli.failing import SOME_FAILED, explained

Out = Annotated[Path, typer.Argument(help="Folder of the results of `segment`.")]


def report(out: Out) -> None:
    """Write summary.html again."""
    with explained():
        typer.echo(write_report(out))


def convert(
    out: Out, to: Annotated[str, typer.Option(help=f"Exports, by commas: {', '.join(EXPORTS)}.")]
) -> None:
    """Write further exports of all pictures, without analysing them again."""
    with explained():
        failures = write_exports(out, to.split(","), typer.echo)
    for failure in failures:
        typer.echo(f"{failure.picture}: {failure.message}", err=True)
    if failures:
        raise typer.Exit(SOME_FAILED)
