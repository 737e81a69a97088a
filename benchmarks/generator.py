"""Segment everything: ours against stock MobileSAM, on the same pictures in one run.

    python -m benchmarks.generator [--stock-once] [--pictures NAME ...] [--quality balanced] [--device cpu]
                                  [--runtime torch] [--head FILE]

Three sides: "ours" (the service's one pass at --quality), "exact" (stock's 32x32 grid by our exact
decoder in fp32, whose masks are compared with stock's) and "stock".
Each side runs on each picture in a process of its own, so that its peak memory is its own; one
warm-up comes first, then the median of three runs counts (of the stock side, with --stock-once,
the first run). Prints a table and, as the last line, JSON. "of stock" is the share of stock's masks
with a partner of IoU 0.98 among the exact side's, "is stock" the reverse.
"""

from __future__ import annotations

import argparse
import json
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.memory import gigabytes
from benchmarks.model import CHECKPOINT, HEAD, Finder, stock
from benchmarks.pictures import load, names, share
from droplets.finding.segmenter import Memory, Segmenter
from droplets.sam.checkpoint import load_sam
from droplets.sam.generator import Generator
from droplets.types import Mask, MaskRequest

DEFAULT = ["rendered/dense-1024x1024", "rendered/beads-1920x1200"]
SIDES = ("ours", "exact", "stock")
SAME_IOU = 0.98


def main() -> None:
    """Measure, or be the process that is measured."""
    args = _arguments()
    if args.side:
        figures, masks = measure(args.side, args.pictures[0], args)
        args.masks.write_bytes(pickle.dumps(masks))
        print(json.dumps(figures))
        return
    chosen = args.pictures or DEFAULT + [name for name in names() if not name.startswith("rendered/")]
    rows = []
    print(
        f"{'picture':34}{'side':>6}{'seconds':>9}{'ratio':>7}{'masks':>7}"
        f"{'droplets':>10}{'beads':>8}{'of stock':>10}{'is stock':>10}{'GB':>6}"
    )
    for name in chosen:
        rows.append({"picture": name, **_compare(name, args)})
        for side in SIDES[: 1 if args.ours_only else 3]:
            _print_row(name, side, rows[-1][side])
    machine = {"processor": platform.processor(), "threads": args.threads, "torch": torch.__version__}
    print(json.dumps({"quality": args.quality, "device": args.device, **machine, "pictures": rows}))


def _compare(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Figures of each side on one picture, with ratio to stock, and the share of masks with a partner."""
    if args.ours_only:
        return {"ours": _in_own_process("ours", name, args)[0]}
    results = {side: _in_own_process(side, name, args) for side in SIDES}
    stock, stock_masks = results["stock"]
    for figures, _ in results.values():
        figures["ratio"] = round(stock["seconds"] / figures["seconds"], 1)
    exact, exact_masks = results["exact"]
    exact["of_stocks_masks"] = share([_has_twin(mask, exact_masks) for mask in stock_masks])
    exact["are_stocks_masks"] = share([_has_twin(mask, stock_masks) for mask in exact_masks])
    return {side: figures for side, (figures, _) in results.items()}


def _has_twin(mask: Mask, others: list[Mask]) -> bool:
    near = (o for o in others if abs(o.x - mask.x) <= 4 + 0.1 * mask.width)
    return any(mask.iou(other) >= SAME_IOU for other in near)


def measure(side: str, name: str, args: argparse.Namespace) -> tuple[dict[str, Any], list[Mask]]:
    """Seconds, number of masks, recall and peak memory of one side on one picture, and the masks."""
    torch.set_num_threads(args.threads)
    picture = load(name)
    before = gigabytes("VmHWM")
    find = {"ours": _ours, "exact": _exact, "stock": _stock}[side](args)
    once = side == "stock" and args.stock_once
    if not once:
        find(picture.pixels)
    seconds = []
    for _ in range(1 if once else 3):
        started = time.perf_counter()
        masks = find(picture.pixels)
        if args.device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    peak = gigabytes("VmHWM")
    gpu = torch.cuda.max_memory_allocated() / 1e9 if args.device == "cuda" else None
    figures = {
        "seconds": round(statistics.median(seconds), 4),
        "masks": len(masks),
        "recall": picture.recall(masks),
        "peak_gb": round(peak, 3),
        "peak_gb_before_model": round(before, 3),
        "gpu_gb": gpu,
    }
    return figures, masks


def _ours(args: argparse.Namespace) -> Finder:
    segmenter = Segmenter(CHECKPOINT, args.head, args.device, runtime=args.runtime)
    return lambda pixels: list(segmenter.generate(MaskRequest(pixels, args.quality), Memory()).masks)


def _exact(args: argparse.Namespace) -> Finder:
    return Generator(load_sam(CHECKPOINT, args.device), precision="fp32", runtime=args.runtime).generate


def _stock(args: argparse.Namespace) -> Finder:
    return stock(args.device)


def _in_own_process(side: str, name: str, args: argparse.Namespace) -> tuple[dict[str, Any], list[Mask]]:
    with tempfile.TemporaryDirectory() as folder:
        return _run(side, name, args, Path(folder) / "masks")


def _run(side: str, name: str, args: argparse.Namespace, masks: Path) -> tuple[dict[str, Any], list[Mask]]:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.generator",
        "--side",
        side,
        "--pictures",
        name,
    ]
    command += [
        "--masks",
        str(masks),
        "--quality",
        args.quality,
        "--device",
        args.device,
        "--runtime",
        args.runtime,
        "--head",
        str(args.head),
        "--threads",
        str(args.threads),
    ]
    command += ["--stock-once"] if args.stock_once else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side} failed on {name}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1]), pickle.loads(masks.read_bytes())  # noqa: S301  # our own


def _print_row(name: str, side: str, figures: dict[str, Any]) -> None:
    shares = (
        "-" if value is None else f"{value:.4f}"
        for value in (
            figures["recall"]["droplets"],
            figures["recall"]["beads"],
            figures.get("of_stocks_masks"),
            figures.get("are_stocks_masks"),
        )
    )
    droplets, beads, of_stock, are_stock = shares
    print(
        f"{name:34}{side:>6}{figures['seconds']:>9.2f}{figures.get('ratio', ''):>7}{figures['masks']:>7}"
        f"{droplets:>10}{beads:>8}{of_stock:>10}{are_stock:>10}{figures['peak_gb']:>6.2f}",
        flush=True,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", nargs="+", metavar="NAME", help=f"of: {', '.join(names())}")
    parser.add_argument("--quality", default="balanced", choices=("fast", "balanced", "thorough"))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--runtime", default="auto", choices=("auto", "torch"), help="of our network")
    parser.add_argument("--head", type=Path, default=HEAD, help="file with the head's weights")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--stock-once", action="store_true", help="no warm-up and one run of the slow side")
    parser.add_argument("--ours-only", action="store_true", help="leave the slow side out")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--masks", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
