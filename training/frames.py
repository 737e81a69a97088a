"""Frames on disk: rendered pictures with the frozen encoder's features, in the parts that training takes.

A part has 128x128 cells. A picture of 1024 pixels a side is four of them, one that is shown at half or a
quarter of its size, as large droplets are, is one. Of each part the features lie one after the other in one
file, so that a part is read at once. `python -m training.frames FOLDER FIRST LAST` makes those that are
missing.
"""

from __future__ import annotations

import argparse
import os
import pickle
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from droplets.finding.colour import as_seen
from droplets.finding.head import ENCODER_CHANNELS, STRIDE, Head
from droplets.finding.network import Network
from droplets.sam.checkpoint import load_sam
from training.rendering.scenes import SIDE, render
from training.rendering.truth import Picture
from training.targets import Targets, layer_targets

PART = SIDE // STRIDE // 2
"""Cells along a side of a part."""
CHECKPOINT = Path("model/mobile_sam.pt")
SIZES = {
    stride: (PART * STRIDE // stride, PART * STRIDE // stride, channels)
    for stride, channels in ENCODER_CHANNELS.items()
}
PIXELS = (PART * STRIDE, PART * STRIDE, 3)


SHRINKS, SHARES = (1, 2, 4), (0.6, 0.32, 0.08)
"""Times by which a picture is shrunk, as the pyramid does with large droplets, and how often."""
LEAST_RADIUS = 2.5
"""Pixels under which an object of a shrunken picture is not judged."""


@dataclass(frozen=True, eq=False)
class Part:
    """What training takes, on the device on which it was made.

    Attributes:
        pixels: 512x512x3 uint8.
        features: by stride, hxwxC float16.
        targets: of the outer and the inner layer.
    """

    pixels: Tensor
    features: dict[int, Tensor]
    targets: list[Targets]


def cut(pixels: Tensor, features: dict[int, Tensor], targets: list[list[Targets]]) -> list[Part]:
    """The parts of a picture.

    Arguments:
        pixels: HxWx3 uint8, H and W 512 or 1024.
        features: by stride, hxwxC of the picture.
        targets: of each part.
    """
    parts = []
    for (row, column), own in zip(corners(pixels.shape[0]), targets, strict=True):
        top, left = row * STRIDE, column * STRIDE
        maps = {
            stride: features[stride][
                top // stride : top // stride + height, left // stride : left // stride + width
            ].to(torch.float16, memory_format=torch.contiguous_format, copy=True)
            for stride, (height, width, _) in SIZES.items()
        }
        parts.append(Part(pixels[top : top + PIXELS[0], left : left + PIXELS[1]].clone(), maps, own))
    return parts


def part_targets(picture: Picture, seed: int) -> list[list[Targets]]:
    """For each part the targets of both layers."""
    side = picture.pixels.shape[0] // STRIDE
    targets = layer_targets(picture.objects, side, side, seed)
    return [
        [one.part(slice(row, row + PART), slice(column, column + PART)) for one in targets]
        for row, column in corners(picture.pixels.shape[0])
    ]


def corners(side: int) -> list[tuple[int, int]]:
    """Row and column of the first cell of each part of a picture of so many pixels a side."""
    starts = range(0, side // STRIDE, PART)
    return [(row, column) for row in starts for column in starts]


def stem(folder: Path, seed: int) -> Path:
    """Of a frame's files, without ending."""
    return folder / f"frame-{seed:06d}"


def shown(seed: int, *, held_out: bool = False) -> Picture:
    """A rendered picture as the network is shown it: 1024x1024, or 512x512 if it is shrunk."""
    picture, times = whole(seed, held_out=held_out)
    if times > 1:
        picture = picture.shrunk(times, LEAST_RADIUS)
    return replace(picture, pixels=as_seen(picture.pixels))


def whole(seed: int, *, held_out: bool = False) -> tuple[Picture, int]:
    """A rendered picture at its own size, and the times by which it is to be shrunk."""
    times = int(np.random.default_rng([seed, 1]).choice(SHRINKS, p=SHARES))
    side = max(SIDE, times * SIDE // 2)
    return render(seed, held_out=held_out, width=side, height=side, times=times), times


def make(folder: Path, network: Network, seed: int) -> None:
    """Render and encode a frame; its files appear whole."""
    picture = shown(seed)
    found = network.features(picture.pixels)
    features = {stride: torch.from_numpy(maps).permute(1, 2, 0) for stride, maps in found.items()}
    targets = part_targets(picture, seed)
    path = stem(folder, seed)
    with path.with_suffix(".part").open("wb") as file:
        for part in cut(torch.from_numpy(picture.pixels), features, targets):
            for plane in (part.pixels, *part.features.values()):
                file.write(plane.numpy().tobytes())
    path.with_suffix(".pickle").write_bytes(pickle.dumps(targets))
    path.with_suffix(".part").rename(path.with_suffix(".bin"))


class Frames:
    """The frames of a folder that are there.

    Arguments:
        folder: where `make` put them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[Path] = set()
        self._parts: list[tuple[Path, int, list[Targets]]] = []
        self.look_again()

    def look_again(self) -> None:
        """Take in frames that have come since."""
        for path in sorted(self._folder.glob("frame-*.bin")):
            if path not in self._known:
                self._known.add(path)
                targets = pickle.loads(path.with_suffix(".pickle").read_bytes())  # noqa: S301
                self._parts += [(path, number, own) for number, own in enumerate(targets)]

    def __len__(self) -> int:
        """Parts."""
        return len(self._parts)

    def __getitem__(self, index: int) -> Part:
        """Any part."""
        path, number, targets = self._parts[index]
        sizes = [int(np.prod(PIXELS)), *(2 * int(np.prod(shape)) for shape in SIZES.values())]
        raw = torch.from_numpy(np.fromfile(path, np.uint8, sum(sizes), offset=number * sum(sizes)))
        pixels, *maps = torch.split(raw, sizes)
        features = {
            stride: plane.view(torch.float16).view(shape)
            for plane, (stride, shape) in zip(maps, SIZES.items(), strict=True)
        }
        return Part(pixels.view(PIXELS), features, targets)


@cache
def _network(threads: int) -> Network:
    """The one of this process."""
    torch.set_num_threads(threads)
    return Network(load_sam(CHECKPOINT), Head())


def _make(job: tuple[Path, int]) -> None:
    folder, seed = job
    make(folder, _network(1), seed)


def main() -> None:
    """Make the missing frames of a range of seeds, one process a core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    seeds = range(args.first, args.last)
    jobs = [(args.folder, seed) for seed in seeds if not stem(args.folder, seed).with_suffix(".bin").exists()]
    with get_context("spawn").Pool(args.processes) as pool:
        for _ in pool.imap_unordered(_make, jobs):
            pass


if __name__ == "__main__":
    main()
