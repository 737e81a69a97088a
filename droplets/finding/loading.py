"""From files on the disk to a loaded model: for the service's inference thread, and for a batch."""

from __future__ import annotations

import torch

from droplets.errors import ModelUnavailable
from droplets.finding.segmenter import Segmenter
from droplets.finding.weights import HeadFile
from droplets.sam.checkpoint import CheckpointFile
from droplets.sam.encoder import Precision


def load_generator(
    checkpoint: CheckpointFile, head: HeadFile, device: str, threads: int, *, precision: Precision = "auto"
) -> Segmenter:
    """Load the model from verified files.

    Arguments:
        checkpoint: of MobileSAM.
        head: that finds objects on its encoder.
        device: "auto" (CUDA if there is one), "cpu" or "cuda".
        threads: CPU threads of the inference.
        precision: of the network, see `Network`.

    Raises:
        ModelUnavailable: a file is missing or wrong, or there is no CUDA device though the
            device or the precision needs one.
    """
    chosen = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    if device == "cuda" and chosen == "cpu":
        raise ModelUnavailable("DEVICE is cuda, but there is no CUDA device.", retry_after=60)
    if precision == "fp16" and chosen == "cpu":
        raise ModelUnavailable("PRECISION is fp16, but there is no CUDA device in use.", retry_after=60)
    info, weights = checkpoint.info(), (checkpoint.info().sha256, head.info().sha256)
    torch.set_num_threads(threads)
    return Segmenter(checkpoint.path, head.path, chosen, info.source, precision, weights=weights)
