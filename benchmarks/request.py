"""A whole request against one batch of stock's decoder, in the same run.

    OMP_NUM_THREADS=2 python -m benchmarks.request [NAME] [--rounds 7] [--format png] [--runtime torch]

Posts a picture of benchmarks.pictures to /segment_file through Flask's test client: the file's bytes are
decoded, everything is found and measured, and the answer is written as JSON. Each time one pixel is
another, so that nothing is remembered. Beside it stock MobileSAM's decoder answers 64 point prompts on the
same picture, already encoded: its automatic generator needs 16 such batches. Stock runs in a process of its
own, with PyTorch as it comes. Each round times all of them one after the other, so that other load
meets all; medians count. "share" is the request's part of the batch's time. Prints a table and, as the
last line, JSON.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
import torch
from flask import Flask
from flask.testing import FlaskClient

from api.plumbing.services import services
from benchmarks.model import CHECKPOINT, HEAD
from benchmarks.pictures import load

KEY = "benchmark-key-0001"
PRECISIONS = ("auto", "fp32")
PROMPTS = 64
BATCH = f"stock's decoder, {PROMPTS} prompts"


def main() -> None:
    """Measure and print."""
    args = _arguments()
    if args.runtime == "torch":
        sys.modules["openvino"] = None  # type: ignore[assignment]  # as where it is not installed
    pixels = load(args.name).pixels
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        apps = {precision: stack.enter_context(_app(precision, args.head)) for precision in PRECISIONS}
        batch = stack.enter_context(_stock(pixels))
        files = fresh(pixels, args.format)
        for _ in range(args.rounds + 1):  # the first is for warming up
            for precision, app in apps.items():
                seconds[f"request, {precision}"].append(_request(app.test_client(), next(files), args.format))
            batch.send(None)
            seconds[BATCH].append(batch.recv())
        models = {precision: services(app).sam.status() for precision, app in apps.items()}
    rows = {name: summary(took[1:], seconds[BATCH][1:]) for name, took in seconds.items()}
    print(f"{args.name} as {args.format}\n{'':30}{'seconds':>9}{'lowest':>9}{'highest':>9}{'share':>8}")
    for name, row in rows.items():
        print(
            f"{name:30}{row['seconds']:>9.3f}{row['lowest']:>9.3f}{row['highest']:>9.3f}{row['share']:>8.3f}"
        )
    used = {name: f"{model.precision} on {model.runtime}" for name, model in models.items()}
    about = {"picture": args.name, "threads": torch.get_num_threads(), "torch": torch.__version__}
    print(json.dumps({**about, "models": used, "figures": rows}))


def summary(seconds: list[float], batch: list[float]) -> dict[str, float]:
    """Median, lowest and highest, and the median as a share of that of `batch`."""
    median = statistics.median(seconds)
    share = median / statistics.median(batch)
    return {"seconds": median, "lowest": min(seconds), "highest": max(seconds), "share": share}


def fresh(pixels: np.ndarray, kind: str) -> Iterator[bytes]:
    """Files of a grey picture, HxWx3 uint8, each of which differs from all before in one pixel."""
    changed = pixels[..., 0].copy()
    for i in range(changed.size):
        changed.flat[i] ^= 128  # so much that JPEG shows it
        yield cv2.imencode(f".{kind}", changed)[1].tobytes()


def _request(client: FlaskClient, content: bytes, kind: str) -> float:
    """Seconds until the answer is there as bytes."""
    started = time.perf_counter()
    form = {"file": (io.BytesIO(content), f"picture.{kind}")}
    answer = client.post("/segment_file", data=form, headers={"X-API-Key": KEY})
    assert answer.status_code == 200, answer.text[:300]
    assert answer.data
    return time.perf_counter() - started


@contextmanager
def _app(precision: str, head: Path) -> Iterator[Flask]:
    """The service with a precision of its network."""
    from app import create_app
    from config import Settings

    with tempfile.TemporaryDirectory() as data:
        settings = Settings(
            _env_file=None,
            api_keys=f"{KEY}:Benchmark:10000",
            sam_model_path=CHECKPOINT,
            head_model_path=head,
            sam_model_accept_unknown=True,
            precision=precision,
            data_dir=data,
            log_level="ERROR",
        )
        app = create_app(settings)
        yield app
        services(app).close()


@contextmanager
def _stock(pixels: np.ndarray) -> Iterator[Connection]:
    """A process that answers anything with the seconds that a batch of prompts took."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_decode, args=(there, pixels), daemon=True)
    process.start()
    there.close()  # so that its end is noticed here
    yield here
    here.close()
    process.join(10)


def _decode(pipe: Connection, pixels: np.ndarray) -> None:
    """The process: decode a batch whenever asked, until there is no one to ask."""
    from mobile_sam import SamPredictor

    from droplets.sam.checkpoint import load_sam
    from droplets.sam.generator import point_grid

    predictor = SamPredictor(load_sam(CHECKPOINT, "cpu"))
    predictor.set_image(pixels)
    points = predictor.transform.apply_coords(point_grid(8, pixels.shape[:2]), pixels.shape[:2])
    prompts = torch.as_tensor(points, dtype=torch.float32)[:, None]
    labels = torch.ones(len(prompts), 1, dtype=torch.int)
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        started = time.perf_counter()
        predictor.predict_torch(prompts, labels, multimask_output=True, return_logits=True)
        pipe.send(time.perf_counter() - started)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", default="rendered/dense-1024x1024")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--format", default="png", choices=("png", "jpg"))
    parser.add_argument("--runtime", default="auto", choices=("auto", "torch"), help="of our network")
    parser.add_argument("--head", type=Path, default=HEAD, help="file with the head's weights")
    return parser.parse_args()


if __name__ == "__main__":
    main()
