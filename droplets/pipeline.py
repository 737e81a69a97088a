"""From a picture to measured droplets: the whole story, one line a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from droplets.analysis import Analysis
from droplets.annotations.scale_bar import ScaleBar, find_scale_bar, scale_bar_notes, without_annotations
from droplets.boundaries.profiles import KINDS
from droplets.boundaries.refine import NOT_WANTED, as_found, find_boundaries
from droplets.boundaries.uncertainty import note_on_edges, overlap
from droplets.contents.beads import find_beads
from droplets.contents.kinds import GUESSED, Classified, Kinds, classify
from droplets.context import beads_within, masks_around
from droplets.ddpcr.evaluate import digital_pcr
from droplets.ddpcr.options import DdpcrOptions
from droplets.ddpcr.planes import binning, fluorescence_plane
from droplets.drawn import checked_shapes, with_drawn
from droplets.errors import BadRequest
from droplets.objects.filters import apply_filters, note_on_diameter
from droplets.objects.hierarchy import Hierarchy, Node, build_hierarchy
from droplets.objects.measure import (
    border_distance,
    channel_intensities,
    equivalent_diameter,
    grey_values,
    intensity,
    shape,
)  # fmt: skip
from droplets.objects.picks import note_on_misses, picked, without_picked
from droplets.objects.population import means_among_alike
from droplets.objects.settings import ObjectSettings
from droplets.options import AnalysisOptions, Options
from droplets.preprocess import preprocess
from droplets.reading.pixel_size import believable
from droplets.region import (
    checked_points,
    checked_polygon,
    checked_region,
    crop,
    in_picture,
    within_polygon,
)
from droplets.settings import StageSettings
from droplets.types import (
    Boundary,
    Box,
    Droplet,
    Generation,
    Image,
    InnerHeat,
    Kind,
    Mask,
    MaskRequest,
    Objects,
    PixelSize,
)

GenerateMasks = Callable[[MaskRequest], Generation]
"""Gives the masks of a picture, wherever the model lives; the same for the same request."""


def analyze(
    image: Image,
    generate: GenerateMasks,
    wanted: AnalysisOptions,
    fluorescence: Sequence[Image] = (),
    how: StageSettings = StageSettings(),
) -> Analysis:
    """Find, measure and filter the droplets of a picture.

    Arguments:
        image: the picture.
        generate: gives the masks of a picture.
        wanted: options, filters and preprocessing.
        fluorescence: further pictures of the same field, for digital PCR, one a dye.
        how: the stages' tuned numbers.

    Raises:
        BadRequest: region, prompt points or outlines lie outside the picture, or there is no such
            fluorescence.
    """
    timing: dict[str, float] = {}
    planes = _fluorescence(image, fluorescence, wanted.options, how)
    task = _checked(image, wanted, how)
    with _stopwatch(timing, "preprocess"):
        prepared = preprocess(task.part.pixels, wanted.preprocessing)
        scale_bar = find_scale_bar(image.pixels, how.annotations)
    generation = generate(MaskRequest(prepared, wanted.options.quality, task.only, task.add))
    timing |= generation.timing_ms
    with _stopwatch(timing, "refine"):
        refined = _refined(task, generation, scale_bar)
    with _stopwatch(timing, "contents"):
        kinds = _kinds(task, refined, generation.inner)
    with _stopwatch(timing, "measure"):
        droplets, removed, misses = _kept(task, _measured(task.part, kinds.objects, refined.boundaries))
    size, doubts = _pixel_size(image, scale_bar, wanted.options, droplets)
    ddpcr = None
    if planes:
        with _stopwatch(timing, "ddpcr"):
            asked, still = wanted.options.ddpcr or DdpcrOptions(), not fluorescence
            ddpcr, droplets = digital_pcr(droplets, planes, asked, size, same_frame=still, how=how.ddpcr)
    found = len(generation.masks) + kinds.beads + len(task.drawn)
    removed = {**_replaced(refined, kinds), **removed}
    poor = note_on_edges(
        [
            one.uncertainty / one.shape.equivalent_diameter
            for one in droplets
            if one.kind == "droplet" and one.uncertainty is not None
        ],
        how.edges,
    )
    guess = (GUESSED,) if kinds.guessed and wanted.options.objects == "auto" else ()
    light = tuple(note for one in fluorescence for note in _on_fluorescence(image, one))
    notes = light + scale_bar_notes(scale_bar) + doubts + poor + guess + misses
    return Analysis(droplets, found, removed, timing, size, ddpcr, notes)


@dataclass(frozen=True, eq=False)
class _Task:
    """What is analysed and how; all points are Nx2 (x, y) in the region.

    Attributes:
        part: the picture in the region.
        region: XYWH in the picture.
        wanted: options, filters and preprocessing.
        how: the stages' tuned numbers.
        only: prompt points; None for everything.
        add, exclude: points of what stays and of what goes.
        drawn: outlines of objects.
        polygon: Kx2 (x, y) corners of where centres must lie; None for anywhere. It comes without a region.
    """

    part: Image
    region: Box
    wanted: AnalysisOptions
    how: StageSettings
    only: NDArray[np.float64] | None
    add: NDArray[np.float64]
    exclude: NDArray[np.float64]
    drawn: Sequence[Boundary]
    polygon: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class _Refined:
    """Objects with their boundaries, others around them, and numbers of annotations and unsure masks."""

    hierarchy: Hierarchy
    boundaries: Mapping[Mask, Boundary]
    around: Sequence[Mask]
    annotations: int
    unsure: int


def _checked(image: Image, wanted: AnalysisOptions, how: StageSettings) -> _Task:
    """The task, if region, points and outlines lie in the picture."""
    options = wanted.options
    region = checked_region(image, options.box)
    only = None if options.points is None else checked_points(options.points, region, "points")
    add = checked_points(options.add, region, "add")
    exclude = checked_points(options.exclude, region, "exclude")
    drawn, polygon = checked_shapes(options.drawn, region), checked_polygon(image, options.polygon)
    return _Task(crop(image, region), region, wanted, how, only, add, exclude, drawn, polygon)


def _refined(task: _Task, generation: Generation, scale_bar: ScaleBar | None) -> _Refined:
    """One object where several masks show it, on its true edge."""
    part, options, how = task.part, task.wanted.options, task.how
    sure, everything = (
        [mask for mask in masks if not (mask.unsure and options.automatic.unsure)]
        for masks in (generation.masks, generation.everything)
    )
    found, annotations = without_annotations(sure, scale_bar, task.region[:2], how.annotations)
    told = _as_told(found, options.objects, how.objects)
    boundaries, around = _boundaries(task, told, everything)
    hierarchy = build_hierarchy(list(boundaries), part.width, part.height, how.objects)
    unsure = len(generation.masks) - len(sure)
    return _Refined(hierarchy, boundaries, around, annotations, unsure)


def _as_told(masks: Sequence[Mask], objects: Objects, how: ObjectSettings) -> Sequence[Mask]:
    """The masks as what the client says that those show which lie in no other one, or as most of their size.

    Droplets and beads of one size are not told apart one by one: a picture's population has one kind, within
    droplets and outside.
    """
    if objects != "auto":
        bead = float(objects == "beads")
        return [mask if mask.inner else replace(mask, bead_probability=bead) for mask in masks]
    told = list(masks)
    for inner in (False, True):
        own = [i for i, m in enumerate(masks) if m.bead_probability is not None and bool(m.inner) == inner]
        likely = means_among_alike(
            [equivalent_diameter(masks[i].area) for i in own],
            [masks[i].bead_probability or 0.0 for i in own],
            how,
        )
        for i, bead in zip(own, likely.tolist(), strict=True):
            told[i] = replace(masks[i], bead_probability=bead)
    return told


def _replaced(refined: _Refined, kinds: Kinds) -> dict[str, int]:
    """Number of masks that show no object of their own, by reason."""
    hierarchy = refined.hierarchy
    return {
        "unsure": refined.unsure,
        "annotation": refined.annotations,
        "background": hierarchy.background,
        "duplicate": hierarchy.duplicates + kinds.replaced,
        "clump": hierarchy.clumps,
    }


def _kept(task: _Task, measured: Sequence[Droplet]) -> tuple[list[Droplet], dict[str, int], tuple[str, ...]]:
    """What filters and client leave, in the picture's frame; the number removed by reason; and notes."""
    options = task.wanted.options
    added = picked(measured, task.add)
    spared = {i for i in added if i is not None}
    kept, removed = apply_filters(
        measured, options.automatic, task.wanted.filters, spared, options.diameter_px, task.how.objects
    )
    excluded = picked(kept, task.exclude)
    going = {kept[i].mask for i in excluded if i is not None}
    placed = with_drawn(kept, _drawn(task), going, _kind_of_most(task, measured), task.how.contents)
    left, gone = without_picked(placed, (i for i, one in enumerate(placed) if one.mask in going))
    left, outside = within_polygon(left, task.polygon)
    misses = note_on_misses("add", options.add, added)
    misses += note_on_misses("exclude", options.exclude, excluded)
    misses += note_on_diameter(measured, options.diameter_px)
    removed |= {"excluded": gone, "outside": outside}
    return [in_picture(one, task.region) for one in left], removed, misses


def _drawn(task: _Task) -> list[Droplet]:
    """What was drawn, measured like all else."""
    objects = [Classified(boundary.mask, "droplet", None, 1.0) for boundary in task.drawn]
    return _measured(task.part, objects, {boundary.mask: boundary for boundary in task.drawn})


def _kind_of_most(task: _Task, measured: Sequence[Droplet]) -> Kind:
    """What most objects are that lie in no other one, if the client does not say: droplets or beads."""
    objects = task.wanted.options.objects
    outer = [one.kind for one in measured if one.parent is None]
    beads = objects == "beads" if objects != "auto" else 2 * outer.count("bead") > len(outer)
    return "bead" if beads else "droplet"


def _boundaries(
    task: _Task, masks: Sequence[Mask], everything: Sequence[Mask]
) -> tuple[dict[Mask, Boundary], list[Mask]]:
    """Each mask with its boundary: moved to the true edge, or the model's own where that is not wanted.

    And the objects around them, of the masks of everything, with boundaries found in the same way.
    """
    part, options, how = task.part, task.wanted.options, task.how
    objects = [mask for mask in everything if not mask.spans(part.width, part.height)]
    known, count = [*masks, *masks_around(masks, objects, how.around)], len(masks) + how.around.nearest
    if options.refine_edges:
        found = find_boundaries(
            grey_values(part), known, count if everything else None, KINDS.get(options.edge), how.edges
        )
    else:
        found = [as_found(mask, NOT_WANTED, how.edges) for mask in known[:count]]
    own, others = found[: len(masks)], [boundary.mask for boundary in found[len(masks) :]]
    nodes = build_hierarchy(others, part.width, part.height, how.objects).nodes
    return {boundary.mask: boundary for boundary in own}, _outermost(nodes)


def _kinds(task: _Task, refined: _Refined, inner: InnerHeat | None) -> Kinds:
    """Droplets and what is in them."""
    part, nodes, options = task.part, refined.hierarchy.nodes, task.wanted.options
    outermost = _outermost(nodes)
    droplets = [mask for mask in [*outermost, *refined.around] if not mask.shows_bead]
    beads = find_beads(part, droplets, task.how.contents, inner) if options.contents else []
    if options.points is not None:
        beads = beads_within(beads, outermost, part.width, part.height)
    return classify(nodes, beads, part.width, part.height, task.how.contents, task.how.objects)


def _outermost(nodes: Sequence[Node]) -> list[Mask]:
    return [node.mask for node in nodes if node.parent is None]


def _measured(
    part: Image, objects: Sequence[Classified], boundaries: Mapping[Mask, Boundary]
) -> list[Droplet]:
    grey = grey_values(part)
    in_colour = part.in_colour
    droplets = []
    for found in objects:
        mask, boundary = found.mask, boundaries.get(found.mask)
        contour = boundary.contour if boundary else None
        figures = shape(mask, contour)
        seen = overlap(boundary.uncertainty, figures.equivalent_diameter) if boundary else 1.0
        droplets.append(
            Droplet(
                mask=mask,
                kind=found.kind,
                parent=found.parent,
                intensity=intensity(grey, mask),
                shape=figures,
                border=border_distance(mask, part.width, part.height, contour),
                confidence=found.confidence * seen,
                boundary=boundary,
                channels=channel_intensities(part.original, mask) if in_colour else (),
            )
        )
    return droplets


def _fluorescence(
    image: Image, more: Sequence[Image], options: Options, how: StageSettings
) -> list[NDArray[np.generic]]:
    """HxW of each dye where digital PCR is asked for."""
    asked = options.ddpcr or DdpcrOptions()
    if not more:
        return [fluorescence_plane(image, None, asked)] if options.ddpcr else []
    found_in_it = any(np.array_equal(image.original, one.original) for one in more)
    if found_in_it and options.fluorescence_channel is not None and options.channel is None:
        raise BadRequest(
            "options.fluorescence_channel is the file's first channel, in which droplets are found too: name "
            "the one that shows the droplets by options.channel."
        )
    return [fluorescence_plane(image, one, asked, how.ddpcr, how.annotations) for one in more]


def _on_fluorescence(image: Image, light: Image) -> tuple[str, ...]:
    """Remarks on a further picture: which plane it is, and that it was binned."""
    plane = (f"fluorescence: {light.plane}",) if light.plane else ()
    factor = binning(image, light)
    return (*plane, f"fluorescence: binned by {factor}, scaled up") if factor != 1 else plane


def _pixel_size(
    image: Image, scale_bar: ScaleBar | None, options: Options, droplets: Sequence[Droplet]
) -> tuple[PixelSize | None, tuple[str, ...]]:
    """What the client says, else the file's tags, else the scale bar; and notes on what is not taken."""
    if options.pixel_size_um:
        return PixelSize(options.pixel_size_um, "request"), ()
    tagged, doubts = believable(
        image.pixel_size, [one.shape.equivalent_diameter for one in droplets if one.kind == "droplet"]
    )
    return tagged or (scale_bar.pixel_size if scale_bar else None), doubts


@contextmanager
def _stopwatch(timing: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timing[stage] = (time.perf_counter() - started) * 1000
