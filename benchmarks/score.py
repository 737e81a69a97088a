"""The service's accuracy on the reference pictures beside the project, if they are there.

    make score [ARGS="--precision fp32 --runtime torch --set wscnet"]

Starts the service with the encoder's precision and runtime (torch though OpenVINO is installed), and
runs ../shared/bench/score.py, which explains its figures, with the other ARGS. Then the brightfield
and fluorescence pictures of the set "user" are sent as a pair for digital PCR.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.pictures import BENCH
from benchmarks.service import ADDRESS, KEY, post, service

SCRIPT = BENCH.parent / "score.py"
PAIR = BENCH / "user" / "images" / "ddPCR_0_0.png", BENCH / "user" / "images" / "ddPCR_0_1.png"
TRUTH = "25 of 584, lambda 0.0438"


def main() -> None:
    """Score and print."""
    if not SCRIPT.exists():
        sys.exit(f"There are no reference pictures: {SCRIPT} is missing.")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--runtime", default="auto", choices=("auto", "torch"))
    args, others = parser.parse_known_args()
    command = [sys.executable, str(SCRIPT), "--url", ADDRESS, "--api-key", KEY, *others]
    with service(args.runtime, PRECISION=args.precision):
        subprocess.run(command, check=True)
        _digital_pcr()


def _digital_pcr() -> None:
    picture, fluorescence = (path.read_bytes() for path in PAIR)
    found = post("/segment_file", file=picture, fluorescence=fluorescence).json()["ddpcr"]
    low, high = found["lambda_interval"]
    print(
        f"ddPCR_0_0 with ddPCR_0_1: {found['positives']} of {found['n']} positive, "
        f"lambda {found['lambda']:.4f} ({low:.4f} to {high:.4f}); truth {TRUTH}"
    )


if __name__ == "__main__":
    main()
