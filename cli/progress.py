"""What a run tells while it goes: a bar for people on stderr, or lines of JSON for programs on stdout."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from types import TracebackType
from typing import Protocol, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from batch.engine import Outcome
from batch.run import Begun, Result


class Voice(Protocol):
    """Tells of a run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def begin(self, begun: Begun) -> None:
        """What there is to do."""

    def tell(self, outcome: Outcome) -> None:
        """A picture is done."""

    def end(self, result: Result, out: str) -> None:
        """All is done."""


class Lines:
    """An object a line on stdout."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, begun: Begun) -> None:
        """{"event": "begin", ...}"""
        self._say("begin", **asdict(begun))

    def tell(self, outcome: Outcome) -> None:
        """{"event": "picture", ...} with its row, or {"event": "failure", ...}"""
        if outcome.failure:
            self._say("failure", **asdict(outcome.failure))
        elif outcome.row:
            row = asdict(outcome.row)
            self._say("picture", **{name.rstrip("_"): value for name, value in row.items()})

    def end(self, result: Result, out: str) -> None:
        """{"event": "end", ...}"""
        failed = len(result.failures)
        self._say("end", pictures=result.pictures, droplets=result.droplets, failed=failed, out=out)

    def _say(self, event: str, **what: object) -> None:
        typer.echo(json.dumps({"event": event, **what}))


class Bar:
    """A bar with rate and time left, and a line at the end."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._task = self._progress.add_task("Loading the model", total=None, rate="", start=False)
        self._started = 0.0
        self._done = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, begun: Begun) -> None:
        """Show how many there are to do."""
        if before := begun.pictures - begun.todo:
            self._console.print(f"{before} of {begun.pictures} pictures are done already.")
        if begun.left_out:
            self._console.print(f"{begun.left_out} files fit neither pattern of --pair and are left out.")
        for source, numbers in begun.gaps.items():
            self._console.print(f"{source}: frames are missing: {numbers}", markup=False)
        self._started = time.monotonic()
        self._progress.update(self._task, total=begun.todo, description="Pictures", visible=bool(begun.todo))
        self._progress.start_task(self._task)

    def tell(self, outcome: Outcome) -> None:
        """Move on by one."""
        self._done += 1
        rate = 60 * self._done / max(time.monotonic() - self._started, 1e-3)
        self._progress.update(self._task, advance=1, rate=f"{rate:.3g} a minute")
        if outcome.failure:
            self._console.print(f"{outcome.failure.picture}: {outcome.failure.message}", markup=False)

    def end(self, result: Result, out: str) -> None:
        """Say what it has come to."""
        self._progress.stop()
        failed = f", {len(result.failures)} failed (errors.csv)" if result.failures else ""
        typer.echo(f"{result.droplets} droplets in {result.pictures} pictures{failed}: {out}")
