"""sam-droplet segment: pictures in, one table out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from batch.engine import Engine, process
from batch.exports import EXPORTS
from batch.plate import Plate
from batch.recipe import OptionsFile, make_recipe, read_options_file
from batch.run import Asked
from batch.run import segment as run
from cli.failing import SOME_FAILED, explained
from cli.model import CHECKPOINT, Checkpoint, Device, load
from cli.progress import Bar, Lines, Voice
from config import cores
from droplets.errors import BadRequest
from droplets.objects.filters import AutomaticFilters
from droplets.types import EdgeKind, Objects, Quality

USUAL_EXPORT = "overlay,coco"
CHANNEL = "INDEX|NAME"
EXAMPLES = """
**Examples**

    sam-droplet segment pictures --out results

    sam-droplet segment "day1/*.tif" day2.zip --out results --pixel-size-um 1.14 --export overlay,imagej

    sam-droplet segment pictures --out results --pair "{}_bf.tif:{}_fl.tif"

    sam-droplet segment movie.avi --out results --frames all --tracks

    sam-droplet segment "frames/img_*.png" --out results --tracks --frame-interval-s 0.01

    sam-droplet segment --options results/run.json --out again

Exit code: 0 all right, 1 some pictures failed, 2 wrong usage, 130 stopped.
"""


def segment(
    out: Annotated[Path, typer.Option(help="Folder of the results; a run that was stopped goes on in it.")],
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="IN...", help="Files, folders, patterns or ZIP files.")
    ] = None,
    options: Annotated[
        Path | None, typer.Option(help="JSON or YAML with options, filters, preprocessing; or a run.json.")
    ] = None,
    pair: Annotated[
        str | None,
        typer.Option(help='Names of brightfield and fluorescence, for digital PCR: "{}_bf.png:{}_fl.png".'),
    ] = None,
    export: Annotated[
        str | None,
        typer.Option(
            help=f"Files a picture, by commas: {', '.join(EXPORTS)}; or none.", show_default=USUAL_EXPORT
        ),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(metavar=CHANNEL, help="Channel to analyse, of a file with several.")
    ] = None,
    plane: Annotated[
        str | None,
        typer.Option(
            metavar="INDEX", help='Plane of a z stack; or "best focus" or "max".', show_default="best focus"
        ),
    ] = None,
    frame: Annotated[
        int | None, typer.Option(help="Frame to analyse, from 0, of a stack or video.", show_default="0")
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(
            metavar="RANGE", help='Frames to analyse, each as a picture: "all", "0-99" or "0-99:2".'
        ),
    ] = None,
    tracks: Annotated[
        bool | None,
        typer.Option(
            "--tracks", help="Follow droplets through the frames of each file, or numbered pictures."
        ),
    ] = None,
    frame_interval_s: Annotated[
        float | None,
        typer.Option(help="Seconds from frame to frame.", show_default="what the file tells"),
    ] = None,
    fluorescence_channel: Annotated[
        str | None,
        typer.Option(
            metavar=CHANNEL, help="Channel that shows the fluorescence, for digital PCR; by commas for dyes."
        ),
    ] = None,
    pixel_size_um: Annotated[float | None, typer.Option(help="Width of one pixel in micrometres.")] = None,
    merge_by: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help='For digital PCR: pictures of one well, such as "{}_field*": {} is the well.',
        ),
    ] = None,
    quality: Annotated[Quality | None, typer.Option(help="Speed against small objects.")] = None,
    objects: Annotated[Objects | None, typer.Option(help="What the objects are.")] = None,
    edge: Annotated[EdgeKind | None, typer.Option(help="What their edges are.")] = None,
    diameter_px: Annotated[float | None, typer.Option(help="About the diameter of a droplet.")] = None,
    edge_filter: Annotated[
        bool | None,
        typer.Option(
            "--edge-filter/--no-edge-filter", help="Leave out what the border cuts off, or count it."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Pictures that are worked on at once.",
            show_default="half the cores; with Ray what the cluster has room for",
        ),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Threads of this machine, or a Ray cluster.")
    ] = "local",
    address: Annotated[
        str, typer.Option(help="Of the Ray cluster: auto, local (started for the run) or ray://HOST:10001.")
    ] = "auto",
    device: Device = "auto",
    model: Checkpoint = CHECKPOINT,
    json: Annotated[bool, typer.Option("--json", help="Tell of each picture as a line of JSON.")] = False,
) -> None:
    """Find and measure the droplets of many pictures: a table of all, one of the pictures, and a summary."""
    flags = {
        "pixel_size_um": pixel_size_um,
        "quality": quality,
        "objects": objects,
        "edge": edge,
        "diameter_px": diameter_px,
        "channel": _index_or_name(channel),
        "plane": _index_or_name(plane),
        "frame": frame,
        "fluorescence_channel": _indices_or_names(fluorescence_channel),
    }
    with explained():
        given = read_options_file(options) if options else OptionsFile()
        groups = _with_flags(
            given, {name: value for name, value in flags.items() if value is not None}, edge_filter
        )
        exports = USUAL_EXPORT.split(",") if given.export is None else given.export
        if export is not None:
            exports = [] if export == "none" else export.split(",")
        asked = Asked(
            inputs=tuple(inputs or given.inputs),
            out=out,
            recipe=make_recipe(groups, exports),
            pair=pair or given.pair,
            frames=frames or given.frames,
            tracks=tracks or given.tracks,
            frame_interval_s=given.frame_interval_s if frame_interval_s is None else frame_interval_s,
            plate=given.plate if merge_by is None else _merged_by(given.plate, merge_by),
        )
        if not asked.inputs:
            raise BadRequest("Say which pictures: files, folders, patterns or ZIP files.")

        checkpoint = model.absolute()  # workers of a cluster have folders of their own
        voice: Voice = Lines() if json else Bar()
        with voice:
            result = run(
                asked,
                # A worker of a cluster is one of many on its machine, and stays on its core.
                lambda: load(checkpoint, device, cores() if engine == "local" else 1),
                workers,
                engine=_engine(engine, address, device),
                begin=voice.begin,
                tell=voice.tell,
            )
            voice.end(result, str(out))
    if result.failures:
        raise typer.Exit(SOME_FAILED)


def _engine(name: str, address: str, device: str) -> Engine:
    """What does the work.

    Raises:
        BadRequest: it is not installed.
    """
    if name == "local":
        return process
    try:
        from batch.ray_engine import RayEngine  # noqa: PLC0415  # need not be installed
    except ModuleNotFoundError:
        raise BadRequest("Ray is not installed: pip install '.[ray]' in the folder of the project.") from None
    return RayEngine(address, device)


def _merged_by(plate: Plate, pattern: str) -> Plate:
    return Plate.parse({**plate.model_dump(), "merge_by": pattern}, "plate")


def _index_or_name(text: str | None) -> int | str | None:
    """As options have it: a number is an index."""
    return int(text) if text and text.isdecimal() else text


def _indices_or_names(text: str | None) -> int | str | list[int | str | None] | None:
    """Of one channel, or of several by commas."""
    return [_index_or_name(one) for one in text.split(",")] if text and "," in text else _index_or_name(text)


def _with_flags(given: OptionsFile, flags: dict[str, Any], edge_filter: bool | None) -> dict[str, Any]:
    """The file's groups, with what the command line says in its place."""
    options = {**given.groups.get("options", {}), **flags}
    if edge_filter is not None:
        filters = options.get("automatic_filters")
        if filters is False:
            filters = dict.fromkeys(AutomaticFilters.model_fields, False)
        options["automatic_filters"] = {**(filters if isinstance(filters, dict) else {}), "edge": edge_filter}
    return {**given.groups, "options": options}
