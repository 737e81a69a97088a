"""Commands that stand in other files, read as the command line itself reads them."""

from __future__ import annotations

import shlex
from typing import Any

from typer.main import get_command

from cli.main import app


def segment_as_typed(command: str) -> dict[str, Any]:
    """What `segment` is asked for by a command; one that it does not understand raises.

    Arguments:
        command: from its arguments on, without what starts the program.
    """
    segment = get_command(app).commands["segment"]
    return segment.make_context("segment", shlex.split(command)).params
