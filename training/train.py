"""Trains the head on rendered frames: `python -m training.train --help`.

On a CPU the frames are those that `training.frames` has made or makes at the same time; on a GPU they are
rendered on all cores and encoded there. Training goes on from its checkpoint where there is one; --minutes
is the time of this piece, over which the learning rate falls along a cosine.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from droplets.finding.head import ENCODER_CHANNELS, HEAT, LAYER_CHANNELS, LAYERS, RAY, Head
from droplets.finding.weights import load_head
from droplets.sam.checkpoint import load_sam
from training.frames import CHECKPOINT, PART, Frames, Part
from training.live import LiveFrames
from training.losses import INNER_WEIGHT, Losses, Wanted, is_centre, layer_losses

log = logging.getLogger(__name__)

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""MobileSAM's pixel mean and deviation."""
WARM_UP = 100
"""Steps in which the learning rate rises."""
DROPPED, DECAY = 0.1, 1e-2
"""Part of the encoder's channels that is left out at random, and AdamW's weight decay: the head shall not
learn its frames by heart."""
KEPT = 0.999
"""Of the moving average of the weights, a step; it is what is exported."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Parts of frames on the device: the head's inputs and what it should answer, by layer."""

    pixels: Tensor
    features: dict[int, Tensor]
    wanted: list[Wanted]


Statistics = dict[int, Tensor]
"""By stride 2xC float32: mean and deviation of the encoder's features."""
MEASURED = 160
"""Parts from which these are taken."""
LOGGED, SAVED = 50, 0.5
"""Steps between two lines of the log, and minutes between two checkpoints."""


def feature_statistics(frames: Frames | LiveFrames) -> Statistics:
    """Of the first frames; deviations are at least a fifth of the median: no calm channel is blown up."""
    frames.look_again()
    parts = [frames[i] for i in range(min(MEASURED, len(frames)))]
    found = {}
    for stride, channels in ENCODER_CHANNELS.items():
        values = torch.cat([part.features[stride][::2, ::2].reshape(-1, channels) for part in parts]).double()
        mean, deviation = values.mean(dim=0), values.std(dim=0, correction=0)
        deviation = deviation.clamp(min=float(deviation.median()) / 5)
        found[stride] = torch.stack([mean, deviation]).float()
    return found


def folded(head: Head, statistics: Statistics) -> Head:
    """A head trained on features of mean 0 and deviation 1 becomes one for the encoder's own."""
    with torch.no_grad():
        for stride, (mean, deviation) in statistics.items():
            lateral = head.lateral(stride)
            lateral.weight /= deviation[:, None, None]
            cast(Tensor, lateral.bias).sub_((lateral.weight[..., 0, 0] * mean).sum(dim=1))
    return head


def unfolded(head: Head, statistics: Statistics) -> Head:
    """The reverse of `folded`: to train on from weights that were exported."""
    with torch.no_grad():
        for stride, (mean, deviation) in statistics.items():
            lateral = head.lateral(stride)
            cast(Tensor, lateral.bias).add_((lateral.weight[..., 0, 0] * mean).sum(dim=1))
            lateral.weight *= deviation[:, None, None]
    return head


def load_average(checkpoint: Path) -> Head:
    """The head of a checkpoint: the moving average of its weights."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    head = Head()
    head.load_state_dict(state["average"])
    return folded(head, state["statistics"]).eval()


def collate(parts: list[Part], statistics: Statistics, device: torch.device) -> Batch:
    """Parts as one batch."""
    mean, deviation = (torch.tensor(values, device=device) for values in (MEAN, DEVIATION))
    pixels = (torch.stack([part.pixels for part in parts]).float() - mean) / deviation
    features = {}
    for stride, (mean, deviation) in statistics.items():
        maps = torch.stack([part.features[stride] for part in parts])
        features[stride] = ((maps - mean) / deviation).permute(0, 3, 1, 2)
    wanted = []
    for layer in range(len(LAYERS)):
        targets = [part.targets[layer] for part in parts]
        cell = np.concatenate([one.cell + i * PART * PART for i, one in enumerate(targets)])
        wanted.append(
            Wanted(
                torch.from_numpy(np.stack([one.heat for one in targets]).astype(np.float32)).to(device),
                torch.from_numpy(cell.astype(np.int64)).to(device),
                torch.from_numpy(np.concatenate([one.rays for one in targets]).astype(np.float32)).to(device),
                torch.from_numpy(np.concatenate([one.bead for one in targets]).astype(np.float32)).to(device),
            )
        )
    return Batch(pixels.permute(0, 3, 1, 2), features, wanted)


def batches(
    frames: Frames | LiveFrames, statistics: Statistics, size: int, seed: int, device: torch.device
) -> Iterator[Batch]:
    """Endless: each part once in a round, in any order; the next one is read while this one is worked on."""
    random = np.random.default_rng(seed)

    def order() -> Iterator[int]:
        while True:
            frames.look_again()
            yield from random.permutation(len(frames)).tolist()

    indices = order()

    def read() -> Batch:
        return collate([frames[next(indices)] for _ in range(size)], statistics, device)

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(read)
        while True:
            batch = coming.result()
            coming = pool.submit(read)
            yield batch


def fresh_head() -> Head:
    """A head that starts out seeing no centre and rays of some cells."""
    head = Head()
    with torch.no_grad():
        for layer in range(len(LAYERS)):
            weight, bias = head.output(layer).weight, cast(Tensor, head.output(layer).bias)
            weight[RAY:] *= 0.1
            bias[HEAT] = -4.0
            bias[RAY:] = 1.5
    return head


def answer_losses(head: Head, batch: Batch, device: torch.device) -> list[Losses]:
    """Of both layers."""
    with torch.autocast(device.type, torch.bfloat16):
        answer = head(
            batch.pixels.contiguous(memory_format=torch.channels_last),
            *(functional.dropout2d(batch.features[stride], DROPPED, head.training) for stride in (4, 8, 16)),
        )
    answer = answer.float()
    outer = is_centre(batch.wanted[LAYERS.index("outer")].heat).sum((1, 2))
    return [
        layer_losses(answer[:, i * LAYER_CHANNELS : (i + 1) * LAYER_CHANNELS], wanted, outer)
        for i, wanted in enumerate(batch.wanted)
    ]


class Trainer:
    """The head, the moving average of its weights, and the state of the optimiser.

    Arguments:
        checkpoint: to go on from, if it is there, and to save to.
        frames: from which the features' statistics are taken at the start.
        device: to train on.
        rate: highest learning rate.
        start: exported weights to begin with where there is no checkpoint; None for fresh ones.
    """

    def __init__(
        self,
        checkpoint: Path,
        frames: Frames | LiveFrames,
        device: torch.device,
        rate: float,
        start: Path | None = None,
    ) -> None:
        self._path, self._device, self._rate = checkpoint, device, rate
        self.head = fresh_head().to(device).to(memory_format=torch.channels_last)
        self.average = fresh_head().to(device)
        self.average.load_state_dict(self.head.state_dict())
        self._optimiser = torch.optim.AdamW(self.head.parameters(), rate, weight_decay=DECAY, foreach=True)
        self.step, self.minutes, self._first = 0, 0.0, 0
        if checkpoint.exists():
            state = torch.load(checkpoint, map_location=device, weights_only=True)
            self.head.load_state_dict(state["head"])
            self.average.load_state_dict(state["average"])
            self._optimiser.load_state_dict(state["optimiser"])
            for group in self._optimiser.param_groups:
                group["weight_decay"] = DECAY
            self.step = self._first = state["step"]
            self.minutes, self.statistics = state["minutes"], state["statistics"]
        else:
            self.statistics = feature_statistics(frames)
            if start is not None:
                head = unfolded(load_head(start).head.to(device), self.statistics)
                self.head.load_state_dict(head.state_dict())
                self.average.load_state_dict(head.state_dict())

    def advance(self, batch: Batch, done: float) -> Tensor:
        """One step; `done` is the part of this piece that is over, 0 to 1. Returns the losses' figures."""
        steps = self.step - self._first + 1
        rate = self._rate * min(1, steps / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * done))
        for group in self._optimiser.param_groups:
            group["lr"] = rate + 1e-6
        losses = answer_losses(self.head, batch, self._device)
        outer, inner = losses
        self._optimiser.zero_grad()
        torch.autograd.backward(outer.total + INNER_WEIGHT * inner.total)
        torch.nn.utils.clip_grad_norm_(self.head.parameters(), 5.0)
        self._optimiser.step()
        self.step += 1
        with torch.no_grad():
            kept = min(KEPT, steps / (steps + 10))
            torch._foreach_lerp_(list(self.average.parameters()), list(self.head.parameters()), 1 - kept)
        return torch.stack([figure.detach() for one in losses for figure in one.figures])

    def save(self, minutes: float) -> None:
        """Write the checkpoint whole, after so many minutes of this piece."""
        state = {
            "head": self.head.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "statistics": self.statistics,
            "step": self.step,
            "minutes": self.minutes + minutes,
        }
        torch.save(state, self._path.with_suffix(".new"))
        self._path.with_suffix(".new").rename(self._path)


def train(args: argparse.Namespace) -> None:
    """One piece of training."""
    device = torch.device(args.device)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    with _source(args) as frames:
        _train_on(frames, device, args)


def _train_on(frames: Frames | LiveFrames, device: torch.device, args: argparse.Namespace) -> None:
    trainer = Trainer(args.checkpoint, frames, device, args.rate, args.start)
    started, saved = time.monotonic(), 0.0
    figures: deque[Tensor] = deque(maxlen=LOGGED)
    for batch in batches(frames, trainer.statistics, args.batch, args.seed + trainer.step, device):
        minutes = (time.monotonic() - started) / 60
        if minutes > args.minutes:
            break
        figures.append(trainer.advance(batch, minutes / args.minutes))
        if trainer.step % LOGGED == 0:
            means = " ".join(f"{value:.3f}" for value in torch.stack(list(figures)).mean(dim=0).tolist())
            log.info("%d %.1f min, %d parts: outer and inner %s", trainer.step, minutes, len(frames), means)
        if minutes > saved + SAVED:
            saved = minutes
            trainer.save(minutes)
    trainer.save(args.minutes)


@contextmanager
def _source(args: argparse.Namespace) -> Iterator[Frames | LiveFrames]:
    """Frames of a folder or, on a GPU, such as are made at the same time."""
    if args.device == "cpu":
        yield Frames(args.frames)
        return
    workers = max(1, (os.cpu_count() or 1) - 1)
    with closing(LiveFrames(load_sam(CHECKPOINT, args.device), workers, first_seed=args.first)) as frames:
        yield frames


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=Path, default=Path("out/frames"))
    parser.add_argument("--checkpoint", type=Path, default=Path("out/head.pt"))
    parser.add_argument(
        "--start", type=Path, help="exported weights to begin with, if there is no checkpoint"
    )
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="seed of the first frame, on a GPU")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
