"""From an upload to a segmentation's answer: what all routes that segment share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import g, request

from api.plumbing.connections import client_socket
from api.plumbing.services import services
from api.schemas.options import Asked
from api.wire.requests import Sent, asked
from api.wire.serialise import segmentation
from auth_middleware import usage
from droplets.analysis import Analysis
from droplets.ddpcr.options import MOST_DYES
from droplets.errors import BadRequest
from droplets.export.figures import rounded
from droplets.export.table import csv_table
from droplets.pipeline import analyze
from droplets.reading.image import decode_image
from droplets.reading.planes import Selection
from droplets.types import Image
from sam_service import Asker, Busy

LONGEST_WAIT_S = 2.0
"""For a place among PICTURES_LOOKED_AT_ONCE; who waits takes a thread, of which others need one too."""


@dataclass(frozen=True, eq=False)
class Analysed:
    """A picture, what was asked and what was found; and the clock's readings at each stage, in seconds."""

    image: Image
    wanted: Asked
    analysis: Analysis
    started: float
    decoded: float
    finished: float


def decode(data: bytes, selection: Selection) -> Image:
    """The picture of an upload, or what of it is wanted.

    Raises:
        Busy: too many pictures are being decoded.
        BadRequest: the file has no such channel, plane or frame.
        UnsupportedImage, UndecodableImage: as `decode_image`.
    """
    settings, decoding = services().settings, services().decoding
    if not decoding.acquire(timeout=settings.request_timeout_s):
        raise Busy("Too many pictures are being read; try again in a moment.")
    try:
        return decode_image(data, max_pixels=settings.max_image_pixels, selection=selection)
    finally:
        decoding.release()


@contextmanager
def place_to_look() -> Iterator[None]:
    """A place among the few pictures that are looked at without the model, for as long as the context lasts.

    Raises:
        Busy: there is none, nor was within LONGEST_WAIT_S.
    """
    if not services().looking.acquire(timeout=LONGEST_WAIT_S):
        raise Busy("Too many pictures are being looked at; try again in a moment.", retry_after=1)
    try:
        yield
    finally:
        services().looking.release()


def asker() -> Asker:
    """Whose request is in hand; it has gone when its connection has."""
    client = client_socket(request.environ)
    return Asker(g.api_key.name, client.has_gone) if client else Asker(g.api_key.name)


def analyse(sent: Sent) -> Analysed:
    """Decode what was sent and find its droplets; the usage record takes note of them.

    Raises:
        Busy: too many pictures wait for the model or for decoding.
        ClientGone: nobody waits for the answer any more.
        ServiceError: a picture or the options cannot be served.
    """
    wanted = asked(sent.groups)
    sam, who = services().sam, asker()
    # Of a remembered picture too: only decoding tells that it is one, and of all but the same quality again
    # the decoder is needed.
    sam.check_room(who)
    who.check_still_there()
    started = time.perf_counter()
    options = wanted.options
    image = decode(sent.picture, options.selection)
    several = sent.fluorescence or (() if options.fluorescence_channel is None else (sent.picture,))
    fluorescence = [decode(one, each) for one in several for each in options.fluorescence_selections]
    if len(fluorescence) > MOST_DYES:
        raise BadRequest(f"{len(fluorescence)} dyes are too many: at most {MOST_DYES}.")
    decoded = time.perf_counter()
    analysis = analyze(image, lambda request: sam.generate(request, who), wanted, fluorescence)
    usage().masks = len(analysis.droplets)
    usage().queue_ms = analysis.timing_ms["queue"]
    return Analysed(image, wanted, analysis, started, decoded, finished=time.perf_counter())


def body(done: Analysed) -> dict[str, Any]:
    """A segmentation's answer (`Segmentation`); its `timing_ms` goes into the metrics too."""
    status = services().sam.status()
    answer = segmentation(done.image, done.analysis, done.wanted)
    return {
        **answer,
        "request_id": g.request_id,
        "timing_ms": rounded(_timed(done)),
        "model": {
            "name": "MobileSAM vit_t",
            "checkpoint": status.checkpoint_source,
            "device": status.device,
            "precision": status.precision,
            "runtime": status.runtime,
        },
    }


def table(done: Analysed) -> str:
    """The droplets as CSV, as in the archive of /download_analysis; its times go into the metrics too."""
    text = csv_table(done.analysis)
    _timed(done)
    return text


def _timed(done: Analysed) -> dict[str, float]:
    """Milliseconds a stage took, of an answer that is ready; the metrics take note of them."""
    now = time.perf_counter()
    timing = {
        "decode": done.decoded - done.started,
        "serialise": now - done.finished,
        "total": now - done.started,
    }
    timing_ms = {**done.analysis.timing_ms, **{stage: 1000 * seconds for stage, seconds in timing.items()}}
    services().metrics.add_segmentation(timing_ms, len(done.analysis.droplets))
    return timing_ms
