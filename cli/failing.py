"""How a command ends that cannot do what it is asked for: one line on stderr and an exit code, no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from droplets.errors import ServiceError

SOME_FAILED, USAGE, INTERRUPTED = 1, 2, 130
"""Exit codes beside 0."""


@contextmanager
def explained() -> Iterator[None]:
    """End with exit code 2 where something cannot be used as it was given, 130 after Ctrl-C."""
    try:
        yield
    except ServiceError as error:
        typer.echo(f"sam-droplet: {error.message}", err=True)
        raise typer.Exit(USAGE) from None
    except OSError as error:
        typer.echo(f"sam-droplet: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        raise typer.Exit(USAGE) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command goes on where this one has stopped.", err=True)
        raise typer.Exit(INTERRUPTED) from None
