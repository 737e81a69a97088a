"""Frames on disk: rendered pictures with the frozen encoder's features, in the parts that training takes.

A frame is four parts of 128x128 cells. Of each the features lie one after the other in one file, so that a
part is read at once. `python -m training.frames FOLDER FIRST LAST` makes those that are missing.
"""

from __future__ import annotations

import argparse
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from droplets.finding.colour import as_seen
from droplets.finding.head import ENCODER_CHANNELS, STRIDE, Head
from droplets.finding.network import Network
from droplets.sam.checkpoint import load_sam
from training.rendering.scenes import SIDE, render
from training.rendering.truth import Picture
from training.targets import Targets, layer_targets

CELLS = SIDE // STRIDE
PART = CELLS // 2
"""Cells along a side of a part."""
CHECKPOINT = Path("model/mobile_sam.pt")
SIZES = {
    stride: (PART * STRIDE // stride, PART * STRIDE // stride, channels)
    for stride, channels in ENCODER_CHANNELS.items()
}
PIXELS = (PART * STRIDE, PART * STRIDE, 3)


@dataclass(frozen=True, eq=False)
class Part:
    """A quarter of a frame.

    Attributes:
        pixels: 512x512x3 uint8.
        features: by stride, hxwxC float16.
        targets: of the outer and the inner layer.
    """

    pixels: NDArray[np.uint8]
    features: dict[int, NDArray[np.float16]]
    targets: list[Targets]

    @classmethod
    def cut(
        cls,
        pixels: NDArray[np.uint8],
        features: dict[int, NDArray[np.float32]],
        number: int,
        targets: list[Targets],
    ) -> Part:
        """Part `number` of a frame with CxHxW features, whose targets are given."""
        row, column = list(corners())[number]
        top, left = row * STRIDE, column * STRIDE
        own = {}
        for stride, (height, width, _) in SIZES.items():
            y, x = top // stride, left // stride
            part = features[stride][:, y : y + height, x : x + width].transpose(1, 2, 0)
            own[stride] = np.ascontiguousarray(part, np.float16)
        inside = pixels[top : top + PIXELS[0], left : left + PIXELS[1]]
        return cls(np.ascontiguousarray(inside), own, targets)


def part_targets(picture: Picture, seed: int) -> list[list[Targets]]:
    """For each part the targets of both layers."""
    targets = layer_targets(picture.objects, CELLS, CELLS, seed)
    return [
        [one.part(slice(row, row + PART), slice(column, column + PART)) for one in targets]
        for row, column in corners()
    ]


def corners() -> Iterator[tuple[int, int]]:
    """Row and column of each part's first cell."""
    for row in (0, PART):
        for column in (0, PART):
            yield row, column


def stem(folder: Path, seed: int) -> Path:
    """Of a frame's files, without ending."""
    return folder / f"frame-{seed:06d}"


def shown(seed: int, *, held_out: bool = False) -> Picture:
    """A rendered picture as the network is shown it."""
    picture = render(seed, held_out=held_out)
    return replace(picture, pixels=as_seen(picture.pixels))


def make(folder: Path, network: Network, seed: int) -> None:
    """Render and encode a frame; its files appear whole."""
    picture = render(seed)
    features = network.features(picture.pixels)
    targets = part_targets(picture, seed)
    path = stem(folder, seed)
    with path.with_suffix(".part").open("wb") as file:
        for number in range(4):
            part = Part.cut(picture.pixels, features, number, targets[number])
            file.write(part.pixels.tobytes())
            for plane in part.features.values():
                file.write(plane.tobytes())
    path.with_suffix(".pickle").write_bytes(pickle.dumps(targets))
    path.with_suffix(".part").rename(path.with_suffix(".bin"))


class Frames:
    """The frames of a folder that are there.

    Arguments:
        folder: where `make` put them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._targets: dict[Path, list[list[Targets]]] = {}
        self._paths: list[Path] = []
        self.look_again()

    def look_again(self) -> None:
        """Take in frames that have come since."""
        for path in sorted(self._folder.glob("frame-*.bin")):
            if path not in self._targets:
                self._targets[path] = pickle.loads(path.with_suffix(".pickle").read_bytes())  # noqa: S301
                self._paths.append(path)

    def __len__(self) -> int:
        """Parts."""
        return 4 * len(self._paths)

    def __getitem__(self, index: int) -> Part:
        """Part i of four of each frame in turn."""
        path, part = self._paths[index // 4], index % 4
        size = int(np.prod(PIXELS)) + sum(2 * int(np.prod(shape)) for shape in SIZES.values())
        raw = np.fromfile(path, np.uint8, size, offset=part * size)
        pixels, at = raw[: int(np.prod(PIXELS))].reshape(PIXELS), int(np.prod(PIXELS))
        features = {}
        for stride, shape in SIZES.items():
            end = at + 2 * int(np.prod(shape))
            features[stride] = raw[at:end].view(np.float16).reshape(shape)
            at = end
        return Part(pixels, features, self._targets[path][part])


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
