"""A run on a cluster of two nodes whose workers, and once a whole node, are killed twenty times.

    python -m benchmarks.ray_kills [--pictures 200] [--kills 20] [--seed 1]

Both nodes are on this machine, with a core each. The result must equal that of a run here, undisturbed, row
for row, and no picture may be told of twice. Needs Ray: `pip install '.[ray]'`. Prints what was killed when
and, as the last line, JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
from ray.cluster_utils import Cluster

from batch.engine import Engine, Outcome, process
from batch.model import SharedModel
from batch.ray_engine import RayEngine
from batch.recipe import Recipe
from batch.run import Asked, segment
from config import MODEL
from training.rendering.plain import render_brightfield

TABLES = ("droplets.csv", "pictures.csv", "errors.csv")
LOAD = partial(SharedModel, MODEL / "mobile_sam.pt", "cpu", 1)


def main() -> None:
    """Run twice, compare and print."""
    parser = argparse.ArgumentParser(description="Workers and a node of a Ray cluster are killed.")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20, help="of which the middle one is a node")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        render(folder / "pictures", arguments.pictures)
        run(folder, "here", process)
        killer = Killer(arguments.pictures, arguments.kills, np.random.default_rng(arguments.seed))
        started = time.perf_counter()
        run(folder, "cluster", RayEngine(killer.cluster.address, "cpu"), killer)
        seconds = time.perf_counter() - started
        killer.cluster.shutdown()
        same = all(rows(folder / "cluster" / table) == rows(folder / "here" / table) for table in TABLES)
    assert len(set(killer.told)) == len(killer.told) == arguments.pictures
    assert killer.killed == arguments.kills
    assert same
    print(json.dumps({"pictures": arguments.pictures, "kills": killer.killed, "seconds": round(seconds, 1)}))


class Killer:
    """Two nodes, and who kills their workers as outcomes come in.

    Arguments:
        pictures: outcomes there will be.
        kills: among them, at random.
        draw: chooses when and whom.
    """

    def __init__(self, pictures: int, kills: int, draw: np.random.Generator) -> None:
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        self._second = self.cluster.add_node(num_cpus=1)
        self._moments = set(draw.choice(pictures - 1, kills, replace=False).tolist())
        self._draw = draw
        self.told: list[str] = []
        self.killed = 0

    def __call__(self, outcome: Outcome) -> None:
        """Hear of a picture; kill at some of them."""
        self.told.append(outcome.name)
        if len(self.told) - 1 not in self._moments:
            return
        time.sleep(self._draw.uniform(0, 0.5))  # into the middle of pictures
        if self.killed == len(self._moments) // 2:
            self.cluster.remove_node(self._second, allow_graceful=False)
            self._second = self.cluster.add_node(num_cpus=1)
            print(f"after {len(self.told)} pictures: a node", flush=True)
        else:
            found = workers()
            worker = found[self._draw.integers(len(found))]
            print(f"after {len(self.told)} pictures: {worker.name()}", flush=True)
            worker.kill()
        self.killed += 1


def workers() -> list[psutil.Process]:
    """Processes of workers: Ray names them for what they do."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [one for one in psutil.Process().children(recursive=True) if one.name().startswith("ray::W")]
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("there is no worker")


def render(folder: Path, count: int) -> None:
    """So many different small pictures, and a file that is none."""
    folder.mkdir()
    for seed in range(count - 1):
        picture = render_brightfield(160, 120, count=7, diameter=30, beads_per_droplet=0.5, seed=seed)
        cv2.imwrite(str(folder / f"{seed:04d}.png"), picture.pixels)
    (folder / "bad.png").write_bytes(b"no picture")


def rows(path: Path) -> list[dict[str, str]]:
    """A table without what differs between runs that come to the same."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: row[name] for name in row if name != "seconds"} for row in csv.DictReader(file)]


def run(folder: Path, out: str, engine: Engine, tell: Callable[[Outcome], None] = lambda _: None) -> None:
    """A run over the pictures, without exports."""
    asked = Asked((str(folder / "pictures"),), folder / out, Recipe())
    result = segment(asked, LOAD, None, engine=engine, begin=lambda _: None, tell=tell)
    print(f"{out}: {result.pictures} pictures, {result.droplets} droplets", flush=True)


if __name__ == "__main__":
    main()
