"""Writes a trained head as the service loads it: `python -m training.export`.

The calibration of the expected IoU goes into the weights of its channel; the thresholds, the figures of
validation and what training was, into the file's metadata.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor

from droplets.finding.head import QUALITY, Head
from droplets.finding.network import Network
from droplets.sam.checkpoint import load_sam
from training.frames import CHECKPOINT
from training.train import load_average
from training.validate import validate

OUT = Path("model/droplet_head.safetensors")
MANIFEST = Path("model/manifest.json")


def calibrated(head: Head, lines: list[tuple[float, float]]) -> Head:
    """With the slope and shift of each layer's expected IoU in its last convolution."""
    with torch.no_grad():
        for layer, (slope, shift) in enumerate(lines):
            weight, bias = head.output(layer).weight, cast(Tensor, head.output(layer).bias)
            weight[QUALITY] *= slope
            bias[QUALITY] = slope * bias[QUALITY] + shift
    return head


def main() -> None:
    """Validate, calibrate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("out/head.pt"))
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    torch.set_num_threads(2)
    head = load_average(args.checkpoint)
    figures = validate(Network(load_sam(CHECKPOINT), head), args.pictures)
    state = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    about = {**figures.described(), "steps": state["step"], "minutes": round(state["minutes"], 1)}
    weights = calibrated(head, figures.calibration).state_dict()
    tensors = {name: tensor.half().contiguous() for name, tensor in weights.items()}
    save_file(tensors, args.out, metadata={"head": json.dumps(about)})
    args.out.chmod(0o644)  # for whoever the service runs as
    print(json.dumps(about, indent=1))
    if args.out == OUT:
        manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
        manifest["head"] = {
            "file": args.out.name,
            "sha256": hashlib.sha256(args.out.read_bytes()).hexdigest(),
            "command": "make train",
            "seed": 0,
            "steps": state["step"],
            "hours": round(state["minutes"] / 60, 2),
        }
        MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
