"""Everything that a CUDA device can tell, in one run of under eight minutes.

    python -m benchmarks.gpu [--minutes 7.5] [--rounds 100] [--head FILE]
    python -m benchmarks.gpu --device cpu --quick

Parts, each printed as it ends: the device; encoder and head on 1024x1024, as the service's CUDA graph and
eager, and each alone; pictures a second in batches (the service's network answers one frame at a time: the
batches go through the same layers, frames and answers staying on the device); whole requests with their
stages; masks of the device's precision against those of fp32; stock MobileSAM on the same device.
Each part has a limit of its own, and none starts or goes on after --minutes. The last line is JSON of all
that was measured. --quick is a shortened version on a small picture, without the parts' own limits, for
trying it out without a device, without which the program ends with status 2.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.memory import gigabytes
from benchmarks.model import CHECKPOINT, HEAD, forgetful, stock
from benchmarks.pictures import load, share
from droplets.errors import ModelUnavailable
from droplets.finding.network import Network
from droplets.finding.segmenter import Memory, Segmenter
from droplets.options import AnalysisOptions
from droplets.pipeline import analyze
from droplets.reading.image import decode_image
from droplets.sam import tiny_vit
from droplets.types import Mask, MaskRequest

DENSE, BEADS, LARGE = "rendered/dense-1024x1024", "rendered/beads-1920x1200", "rendered/large-4096x4096"
SMALL = 256
"""Pixels of the side that --quick takes of the dense picture."""
BATCHES = (1, 2, 4, 8, 16)
WARM_UP = 3
PARTNER = 0.9
"""IoU over which two masks show the same object."""
SHORTEST = 5.0
"""Seconds: no part is started with less."""

Figures = dict[str, Any]
Action = Callable[[], object]


class OutOfTime(BaseException):  # so that nothing on the way takes it for an error of its own
    """A part has come to its limit."""


class Bench:
    """The models and pictures of a run, made when first needed.

    Attributes:
        device: "cuda" or "cpu".
        quick: whether to do little of everything.
        rounds: how often the network is timed.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.device: str = args.device
        self.quick: bool = args.quick
        self.rounds: int = 3 if args.quick else args.rounds
        self.head: Path = args.head
        self._pictures: dict[str, np.ndarray] = {}

    @cached_property
    def segmenter(self) -> Segmenter:
        """The service's, on torch as on a GPU."""
        return Segmenter(CHECKPOINT, self.head, self.device, runtime="torch")

    @property
    def network(self) -> Network:
        """Of the segmenter."""
        return self.segmenter._network

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of those that requests are made of, but for the large one."""
        return (DENSE,) if self.quick else (DENSE, BEADS)

    def pixels(self, name: str) -> np.ndarray:
        """HxWx3 uint8 RGB; a part of it where it is to be quick."""
        if name not in self._pictures:
            self._pictures[name] = load(name).pixels
        pixels = self._pictures[name]
        return np.ascontiguousarray(pixels[:SMALL, :SMALL]) if self.quick else pixels

    def synchronize(self) -> None:
        """Wait until the device has done all it was asked for."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def milliseconds(self, action: Action, rounds: int) -> float:
        """Median of what an action takes on the device."""
        for _ in range(WARM_UP if rounds > 1 else 0):
            action()
        self.synchronize()
        timed = self._event_ms if self.device == "cuda" else _clock_ms
        return statistics.median(timed(action) for _ in range(rounds))

    def seconds(self, action: Action) -> float:
        """What an action takes by the clock until the device has done it."""
        started = time.perf_counter()
        action()
        self.synchronize()
        return time.perf_counter() - started

    def captured(self, run: Callable[[], Tensor]) -> Action:
        """The same as a CUDA graph; on a CPU as it is."""
        if self.device != "cuda":
            return run
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                run()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            kept = run()

        def replay() -> Tensor:
            graph.replay()
            return kept

        return replay

    @contextmanager
    def memory(self, figures: Figures) -> Iterator[None]:
        """Adds the most of the device's memory in use within the context, and the process's own."""
        if self.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            figures["gpu_gb_before"] = torch.cuda.memory_allocated() / 1e9
        yield
        if self.device == "cuda":
            figures["gpu_gb"] = torch.cuda.max_memory_allocated() / 1e9
            figures["gpu_reserved_gb"] = torch.cuda.max_memory_reserved() / 1e9
        for name, what in (("cpu_gb", "VmRSS"), ("cpu_gb_at_most", "VmHWM")):
            with suppress(IndexError):  # not every kernel tells
                figures[name] = gigabytes(what)

    def _event_ms(self, action: Action) -> float:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        action()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end))


def describe(bench: Bench) -> Figures:
    """The device and the versions."""
    about: Figures = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    if bench.device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        about |= {
            "device": properties.name,
            "compute": f"{properties.major}.{properties.minor}",
            "memory_gb": properties.total_memory / 1e9,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    else:
        about["device"] = "cpu"
    started = time.perf_counter()
    about["precision"] = bench.segmenter.precision
    return {**about, "load_s": time.perf_counter() - started}


@torch.inference_mode()
def time_network(bench: Bench) -> Figures:
    """Milliseconds of encoder and head on one frame, and of each alone."""
    network, pixels = bench.network, bench.pixels(DENSE)
    figures: Figures = {"frame": list(pixels.shape[:2])}
    with bench.memory(figures):
        frames = network._padded(pixels)
        graph = network._graph("answer", *frames.shape[2:])
        encoder, head = _encoder(network, frames), _head(network, frames)
        actions: dict[str, Action] = {
            "service's graph": lambda: graph(frames),
            "eager": lambda: network._on_torch("answer", frames),
            "encoder, graph": bench.captured(encoder),
            "encoder, eager": encoder,
            "head, graph": bench.captured(head),
            "head, eager": head,
        }
        for name, action in actions.items():
            figures[f"{name}, ms"] = bench.milliseconds(action, bench.rounds)
        took = [1000 * bench.seconds(lambda: network.answer(pixels)) for _ in range(bench.rounds)]
        figures["with copies to and fro, ms"] = statistics.median(took)
    return figures


@torch.inference_mode()
def time_batches(bench: Bench) -> Figures:
    """Pictures a second: one at a time through the service's network, and in batches through its layers."""
    network, pixels = bench.network, bench.pixels(DENSE)
    rounds = max(3, bench.rounds // 5)
    alone = statistics.median(bench.seconds(lambda: network.answer(pixels)) for _ in range(rounds))
    figures: Figures = {"one at a time, pictures/s": 1 / alone, "batches": {}}
    for batch in BATCHES[: 2 if bench.quick else None]:
        row: Figures = {}
        with bench.memory(row):
            frames = network._padded(pixels).repeat(batch, 1, 1, 1)
            eager = _answer(network, frames)
            graph = bench.captured(eager)
            row["graph, pictures/s"] = 1000 * batch / bench.milliseconds(graph, rounds)
            row["eager, pictures/s"] = 1000 * batch / bench.milliseconds(eager, rounds)
        figures["batches"][batch] = row
        del frames, eager, graph
    return figures


def time_requests(bench: Bench, names: tuple[str, ...]) -> Figures:
    """Milliseconds of whole requests: a file decoded, everything found, refined and measured."""
    generate, wanted = forgetful(bench.segmenter), AnalysisOptions()
    figures: Figures = {}
    for name in names:
        content = cv2.imencode(".png", bench.pixels(name)[..., 0])[1].tobytes()
        row: Figures = {}
        runs = []
        with bench.memory(row):
            for _ in range(2 if bench.quick else 4):  # the first is for warming up
                started = time.perf_counter()
                image = decode_image(content, max_pixels=10**8)
                decoded = time.perf_counter()
                analysis = analyze(image, generate, wanted)
                total = 1000 * (time.perf_counter() - started)
                runs.append({"total": total, "decode": 1000 * (decoded - started), **analysis.timing_ms})
        row |= {f"{s}, ms": statistics.median(run[s] for run in runs[1:]) for s in runs[0]}
        kinds = [droplet.kind for droplet in analysis.droplets]
        figures[name] = {"droplets": kinds.count("droplet"), "beads": kinds.count("bead"), **row}
    return figures


def compare_precisions(bench: Bench) -> Figures:
    """Shares of masks that have a partner in the other precision, both before any refinement."""
    exact = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False  # fp32 shall be fp32
    try:
        reference = Segmenter(CHECKPOINT, bench.head, bench.device, precision="fp32", runtime="torch")
        figures: Figures = {"precision": bench.segmenter.precision}
        for name in bench.pictures:
            request = MaskRequest(bench.pixels(name), "balanced")
            own = bench.segmenter.generate(request, Memory()).masks
            other = reference.generate(request, Memory()).masks
            figures[name] = {
                "masks": len(own),
                "masks in fp32": len(other),
                "have a partner in fp32": partnered(own, other),
                "fp32's have a partner": partnered(other, own),
            }
        return figures
    finally:
        torch.backends.cudnn.allow_tf32 = exact


def time_stock(bench: Bench) -> Figures:
    """Seconds of stock MobileSAM on the dense picture, once, and of this service's search for everything."""
    pixels, figures = bench.pixels(DENSE), Figures()
    with bench.memory(figures):
        find = stock(bench.device, points_per_side=4 if bench.quick else 32)
        find(np.zeros((64, 64, 3), np.uint8))  # libraries are loaded, kernels chosen
        bench.synchronize()
        masks: list[Mask] = []
        figures["stock, s"] = bench.seconds(lambda: masks.extend(find(pixels)))
        figures["stock's masks"] = len(masks)
    segmenter = bench.segmenter
    request = MaskRequest(pixels, "balanced")
    found = segmenter.generate(request, Memory()).masks
    rounds = 1 if bench.quick else 3
    took = [bench.seconds(lambda: segmenter.generate(request, Memory())) for _ in range(rounds)]
    ours = statistics.median(took)
    return {**figures, "ours, s": ours, "our masks": len(found), "times stock": figures["stock, s"] / ours}


def partnered(masks: list[Mask], others: list[Mask]) -> float | None:
    """Share of masks with one of `others` of an IoU over `PARTNER`; None without masks."""
    corners = np.array([(other.x, other.y) for other in others]).reshape(-1, 2)

    def has_partner(mask: Mask) -> bool:
        apart = np.abs(corners - (mask.x, mask.y)) <= (mask.width, mask.height)
        return any(mask.iou(others[i]) > PARTNER for i in np.flatnonzero(apart.all(axis=1)))

    return share([has_partner(mask) for mask in masks])


PARTS: dict[str, tuple[float, Callable[[Bench], Figures]]] = {
    "device": (60, describe),
    "network": (90, time_network),
    "requests": (90, lambda bench: time_requests(bench, bench.pictures)),
    "batches": (90, time_batches),
    "precision": (60, compare_precisions),
    "stock": (90, time_stock),
    "large request": (120, lambda bench: time_requests(bench, (LARGE,))),
}
"""Seconds that a part may take, and the part."""


def run(bench: Bench, seconds: float) -> Figures:
    """Figures of all parts that end within so many seconds; of the others why they are missing."""
    end = time.monotonic() + seconds
    figures: Figures = {}
    for name, (limit, part) in PARTS.items():
        if bench.quick and name == "large request":
            continue
        left = min(np.inf if bench.quick else limit, end - time.monotonic())
        if left < SHORTEST:
            figures[name] = {"missing": "no time was left"}
        else:
            started = time.monotonic()
            figures[name] = _within(left, lambda part=part: part(bench))
            figures[name]["took, s"] = time.monotonic() - started
        print(f"{name}\n{shown(figures[name])}", flush=True)
    return figures


def shown(figures: Figures, indent: str = "  ") -> str:
    """One line a figure, those of figures further in below their name."""
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{name}\n{shown(value, indent + '  ')}")
        else:
            cell = f"{value:.4g}" if isinstance(value, float) else str(value)
            lines.append(f"{indent}{name:32}{cell:>12}")
    return "\n".join(lines)


def _within(seconds: float, part: Callable[[], Figures]) -> Figures:
    """What a part gives, or why it gives nothing."""

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        try:
            return part()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except OutOfTime:  # though it be at the last moment
        return {"missing": f"not done within {seconds:.0f} s"}
    except ModelUnavailable:
        raise
    except Exception as error:  # the other parts may do
        traceback.print_exc()
        return {"missing": f"{type(error).__name__}: {error}"}
    finally:
        signal.signal(signal.SIGALRM, before)


def _clock_ms(action: Action) -> float:
    started = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - started)


def _answer(network: Network, frames: Tensor) -> Callable[[], Tensor]:
    return lambda: network._on_torch("answer", frames)[0]


def _encoder(network: Network, frames: Tensor) -> Callable[[], Tensor]:
    """All that the head needs of the encoder."""
    return lambda: network._on_torch("features", frames)[-1]


def _head(network: Network, frames: Tensor) -> Callable[[], Tensor]:
    """The head on features that are there already, in the precision that it gets them in."""
    frames = frames.contiguous(memory_format=torch.channels_last)

    def mixed() -> Any:
        return nullcontext() if network.dtype == torch.float32 else network._autocast()

    with mixed():
        found = tiny_vit.features(network._encoder, frames)

    def run() -> Tensor:
        with mixed():
            return network._head(frames, found[4], found[8], found[16])

    return run


def main() -> None:
    """Measure and print."""
    args = _arguments()
    if args.device == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device here.")
        sys.exit(2)
    try:
        figures = run(Bench(args), 60 * args.minutes)
    except ModelUnavailable as error:
        sys.exit(error.message)
    print(json.dumps(figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=7.5, help="after which nothing is started")
    parser.add_argument("--rounds", type=int, default=100, help="how often the network is timed")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="little of everything, on a small picture")
    parser.add_argument("--head", type=Path, default=HEAD, help="file with the head's weights")
    return parser.parse_args()


if __name__ == "__main__":
    main()
