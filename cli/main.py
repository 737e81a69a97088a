"""sam-droplet and its subcommands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.after import convert, report
from cli.bench import bench
from cli.segment import EXAMPLES, segment
from cli.serve import serve
from config import VERSION

app = typer.Typer(
    name="sam-droplet",
    help="Counts and measures droplets in microscope pictures.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command(epilog=EXAMPLES)(segment)
app.command()(report)
app.command()(convert)
app.command()(serve)
app.command()(bench)


@app.command()
def fetch_model(
    to: Annotated[Path | None, typer.Option(help="File to write.", show_default="beside the program")] = None,
    copy_of: Annotated[Path | None, typer.Option("--from", help="File to copy, if it is there.")] = None,
) -> None:
    """Put MobileSAM's checkpoint in place and check it."""
    from model import fetch  # noqa: PLC0415  # loads torch

    arguments = [*(["--to", str(to)] if to else []), *(["--from", str(copy_of)] if copy_of else [])]
    raise typer.Exit(fetch.main(arguments))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(VERSION)
