"""Writes a trained head as the service loads it: `python -m training.export`.

Of several checkpoints, of pieces of training one after the other, it is the mean of the weights (Izmailov et
al., "Averaging weights leads to wider optima and better generalization", 2018).

Thresholds, calibration, the figures of validation and what training was go into the file's metadata.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file

from droplets.finding.head import Head
from droplets.finding.network import Network
from droplets.finding.weights import load_head
from droplets.sam.checkpoint import load_sam
from training.frames import CHECKPOINT
from training.train import load_average
from training.validate import validate

OUT = Path("model/droplet_head.safetensors")
MANIFEST = Path("model/manifest.json")


def mean_head(heads: Sequence[Head]) -> Head:
    """The head of the mean weights of one or more."""
    states = [head.state_dict() for head in heads]
    mean = Head()
    mean.load_state_dict({name: sum(state[name] for state in states) / len(states) for name in states[0]})
    return mean.eval()


def main() -> None:
    """Validate, calibrate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, nargs="+", default=[Path("out/head.pt")])
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--thresholds", type=Path, help="exported weights whose thresholds stay")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    torch.set_num_threads(2)
    head = mean_head([load_average(path) for path in args.checkpoint])
    known = load_head(args.thresholds).thresholds if args.thresholds else None
    figures = validate(Network(load_sam(CHECKPOINT), head), args.pictures, known)
    state = torch.load(args.checkpoint[-1], map_location="cpu", weights_only=True)
    about = {**asdict(figures), "steps": state["step"], "minutes": round(state["minutes"], 1)}
    tensors = {name: tensor.half().contiguous() for name, tensor in head.state_dict().items()}
    save_file(tensors, args.out, metadata={"head": json.dumps(about)})
    args.out.chmod(0o644)  # for whoever the service runs as
    print(json.dumps(about, indent=1))
    if args.out == OUT:
        manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
        manifest["head"] = {
            "file": args.out.name,
            "sha256": hashlib.sha256(args.out.read_bytes()).hexdigest(),
            "training": "docs/model-card.md",
            "steps": state["step"],
            "hours": round(state["minutes"] / 60, 2),
        }
        MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
