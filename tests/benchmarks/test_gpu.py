"""The run on a CUDA device, as far as it can be followed without one."""

from __future__ import annotations

import json
import time

import pytest
import torch

from benchmarks import gpu
from benchmarks.pictures import disc


@pytest.fixture
def bench():
    args = gpu.argparse.Namespace(device="cpu", quick=True, rounds=3, head=gpu.HEAD)
    return gpu.Bench(args)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_device_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gpu"])

    with pytest.raises(SystemExit) as ended:
        gpu.main()

    assert ended.value.code == 2
    assert capsys.readouterr().out == "There is no CUDA device here.\n"


def test_a_part_that_takes_too_long_is_left(bench, monkeypatch):
    parts = {"slow": (6.0, lambda bench: time.sleep(30)), "sound": (6.0, lambda bench: {"figure": 1.5})}
    monkeypatch.setattr(gpu, "PARTS", parts)
    monkeypatch.setattr(gpu, "SHORTEST", 0.05)

    started = time.monotonic()
    figures = gpu.run(bench, seconds=0.2)

    assert time.monotonic() - started < 5
    assert "not done" in figures["slow"]["missing"]
    assert figures["sound"] == {"missing": "no time was left"}


def test_a_part_that_fails_leaves_the_others(bench, monkeypatch, capsys):
    parts = {"broken": (60.0, lambda bench: 1 / 0), "sound": (60.0, lambda bench: {"figure": 1.5})}
    monkeypatch.setattr(gpu, "PARTS", parts)

    figures = gpu.run(bench, seconds=60)

    assert "ZeroDivisionError" in figures["broken"]["missing"]
    assert figures["sound"]["figure"] == 1.5
    assert json.loads(json.dumps(figures)) == figures
    assert "figure" in capsys.readouterr().out


def test_partners_are_nearly_the_same():
    masks = [disc(30, 30, 10), disc(80, 30, 10)]

    assert gpu.partnered(masks, [disc(30, 30, 10.1), disc(80, 30, 7)]) == 0.5
    assert gpu.partnered(masks, []) == 0
    assert gpu.partnered([], masks) is None


@pytest.fixture
def one_thread():
    """Threads wait for each other, long where the cores have other work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.model
@pytest.mark.usefixtures("one_thread")
def test_the_quick_run_comes_to_its_end(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gpu", "--device", "cpu", "--quick", "--minutes", "30"])
    monkeypatch.setattr(gpu, "SMALL", 128)
    monkeypatch.setattr(gpu, "stock", lambda device, points_per_side: lambda pixels: [disc(30, 30, 10)])

    gpu.main()

    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(figures) == [name for name in gpu.PARTS if name != "large request"]
    assert not [name for name, part in figures.items() if "missing" in part]
    assert figures["requests"][gpu.DENSE]["droplets"] > 5
    assert figures["precision"][gpu.DENSE]["have a partner in fp32"] > 0.9
    assert figures["stock"]["stock's masks"] == 1
