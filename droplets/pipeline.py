"""From a picture to measured droplets: the whole story, one line a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from droplets.beads import find_beads
from droplets.context import NEAREST, beads_within, masks_around
from droplets.ddpcr import DdpcrOptions, digital_pcr, fluorescence_plane
from droplets.edges import find_boundaries
from droplets.filters import apply_filters
from droplets.hierarchy import Node, build_hierarchy
from droplets.kinds import Classified, Kinds, classify
from droplets.measure import border_distance, channel_intensities, grey_values, intensity, shape
from droplets.options import AnalysisOptions, Options
from droplets.picks import note_on_misses, picked, without_picked
from droplets.preprocess import preprocess
from droplets.region import checked_points, checked_region, crop, in_picture
from droplets.scale_bar import ScaleBar, find_scale_bar, scale_bar_notes, without_annotations
from droplets.types import Analysis, Boundary, Droplet, Generation, Image, Mask, PixelSize, Quality

GenerateMasks = Callable[[NDArray[np.uint8], Quality, NDArray[np.float64] | None], Generation]
"""(HxWx3 uint8 RGB, quality, Nx2 (x, y) prompt points or None for everything) -> Generation."""


def analyze(
    image: Image, generate: GenerateMasks, wanted: AnalysisOptions, fluorescence: Image | None = None
) -> Analysis:
    """Find, measure and filter the droplets of a picture.

    Arguments:
        image: the picture.
        generate: gives the masks of a picture, wherever the model lives.
        wanted: options, filters and preprocessing.
        fluorescence: second picture of the same field, for digital PCR.

    Raises:
        BadRequest: region or prompt points lie outside the picture, or there is no such fluorescence.
    """
    timing: dict[str, float] = {}
    options = wanted.options
    plane = _fluorescence(image, fluorescence, options)
    region = checked_region(image, options.roi)
    only = None if options.points is None else checked_points(options.points, region, "points")
    add = checked_points(options.add, region, "add")
    exclude = checked_points(options.exclude, region, "exclude")
    with _stopwatch(timing, "preprocess"):
        part = crop(image, region)
        prepared = preprocess(part.pixels, wanted.preprocessing)
        scale_bar = find_scale_bar(image.pixels)
    generation = _generation(generate, prepared, options.quality, only, add)
    timing |= generation.timing_ms
    with _stopwatch(timing, "refine"):
        masks, annotations = without_annotations(generation.masks, scale_bar, region[:2])
        boundaries, around = _boundaries(part, masks, generation.everything, options)
        hierarchy = build_hierarchy(list(boundaries), part.width, part.height)
    with _stopwatch(timing, "contents"):
        kinds = _kinds(part, hierarchy.nodes, around, options)
    with _stopwatch(timing, "measure"):
        measured = _measured(part, kinds.objects, boundaries)
        kept, removed, misses = _kept(measured, wanted, add, exclude)
    pixel_size = _pixel_size(image, scale_bar, options)
    droplets, ddpcr = [in_picture(droplet, region) for droplet in kept], None
    if plane is not None:
        with _stopwatch(timing, "ddpcr"):
            asked, still = options.ddpcr or DdpcrOptions(), fluorescence is None
            ddpcr, droplets = digital_pcr(droplets, plane, asked, pixel_size, same_frame=still)
    return Analysis(
        droplets=droplets,
        found=len(generation.masks) + kinds.beads,
        removed={
            "annotation": annotations,
            "background": hierarchy.background,
            "duplicate": hierarchy.duplicates + kinds.replaced,
            "clump": hierarchy.clumps,
            **removed,
        },
        timing_ms=timing,
        pixel_size=pixel_size,
        ddpcr=ddpcr,
        notes=scale_bar_notes(scale_bar) + misses,
    )


def _generation(
    generate: GenerateMasks,
    pixels: NDArray[np.uint8],
    quality: Quality,
    only: NDArray[np.float64] | None,
    add: NDArray[np.float64],
) -> Generation:
    """Masks of everything, or only at some points; and of what is to be added."""
    generation = generate(pixels, quality, only)
    if not add.size:
        return generation
    added = generate(pixels, quality, add)
    timing = {stage: spent + added.timing_ms[stage] for stage, spent in generation.timing_ms.items()}
    return Generation([*generation.masks, *added.masks], timing, generation.everything)


def _kept(
    measured: Sequence[Droplet],
    wanted: AnalysisOptions,
    add: NDArray[np.float64],
    exclude: NDArray[np.float64],
) -> tuple[list[Droplet], dict[str, int], tuple[str, ...]]:
    """What filters and client leave, the number removed by reason, and notes on points where nothing is."""
    options = wanted.options
    added = picked(measured, add)
    spared = {i for i in added if i is not None}
    kept, removed = apply_filters(measured, options.automatic, wanted.filters, spared)
    excluded = picked(kept, exclude)
    left, gone = without_picked(kept, excluded)
    misses = note_on_misses("add", options.add, added)
    misses += note_on_misses("exclude", options.exclude, excluded)
    return left, {**removed, "excluded": gone}, misses


def _boundaries(
    part: Image, masks: Sequence[Mask], everything: Sequence[Mask], options: Options
) -> tuple[dict[Mask, Boundary], list[Mask]]:
    """Each mask with its boundary: moved to the true edge, or the model's own where that is not wanted.

    And the objects around them, of the masks of everything, with boundaries found in the same way.
    """
    known, count = [*masks, *masks_around(masks, everything)], len(masks) + NEAREST
    if options.refine_edges:
        found = find_boundaries(grey_values(part), known, count if everything else None)
    else:
        found = [Boundary(mask, kept_because="refine_edges is off") for mask in known[:count]]
    own, others = found[: len(masks)], [boundary.mask for boundary in found[len(masks) :]]
    nodes = build_hierarchy(others, part.width, part.height).nodes
    return {boundary.mask: boundary for boundary in own}, _outermost(nodes)


def _kinds(part: Image, nodes: Sequence[Node], around: Sequence[Mask], options: Options) -> Kinds:
    """Droplets and what is in them."""
    outermost = _outermost(nodes)
    beads = find_beads(part, [*outermost, *around]) if options.contents else []
    if options.points is not None:
        beads = beads_within(beads, outermost, part.width, part.height)
    return classify(nodes, beads, part.width, part.height)


def _outermost(nodes: Sequence[Node]) -> list[Mask]:
    return [node.mask for node in nodes if node.parent is None]


def _measured(
    part: Image, objects: Sequence[Classified], boundaries: Mapping[Mask, Boundary]
) -> list[Droplet]:
    grey = grey_values(part)
    in_colour = part.original.ndim == 3
    droplets = []
    for found in objects:
        mask, boundary = found.mask, boundaries.get(found.mask)
        droplets.append(
            Droplet(
                mask=mask,
                kind=found.kind,
                parent=found.parent,
                intensity=intensity(grey, mask),
                shape=shape(mask, boundary.contour if boundary else None),
                border=border_distance(mask, part.width, part.height),
                confidence=found.confidence,
                boundary=boundary,
                channels=channel_intensities(part.original, mask) if in_colour else (),
            )
        )
    return droplets


def _fluorescence(image: Image, second: Image | None, options: Options) -> NDArray[np.generic] | None:
    """HxW where digital PCR is asked for."""
    if second is None and options.ddpcr is None:
        return None
    return fluorescence_plane(image, second, options.ddpcr or DdpcrOptions())


def _pixel_size(image: Image, scale_bar: ScaleBar | None, options: Options) -> PixelSize | None:
    """What the client says, else what the file's tags say, else the scale bar."""
    if options.pixel_size_um:
        return PixelSize(options.pixel_size_um, "request")
    return image.pixel_size or (scale_bar.pixel_size if scale_bar else None)


@contextmanager
def _stopwatch(timing: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timing[stage] = (time.perf_counter() - started) * 1000
