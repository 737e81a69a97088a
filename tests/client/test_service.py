"""The client against the service as it runs."""

from __future__ import annotations

import asyncio

import psutil
import pytest
from sam_droplet_client import AsyncClient, Client, NotFound, Progress, Refused, Unauthorized

from tests.client.loops import in_a_loop
from tests.conftest import KEY
from tests.test_server import serving
from tests.test_server_jobs import pictures, worker

pytestmark = [pytest.mark.server, pytest.mark.model]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("client"), JOBS="beside") as server:
        yield server
        process: psutil.Process = worker(server)
    assert not process.is_running()


@pytest.fixture
def client(server):
    with Client(server.address, KEY) as client:
        yield client


def test_a_picture_becomes_a_table_an_overlay_and_files(client, discs, tmp_path):
    result = client.segment(discs, quality="fast", pixel_size_um=2.0)
    assert result.count == 12
    droplets = result.droplets
    assert len(droplets) == len(result.answer["masks"])
    assert droplets["equivalent_diameter_um"].mean() == pytest.approx(
        2 * droplets["equivalent_diameter_px"].mean(), rel=1e-5
    )
    assert result.overlay().startswith(b"\x89PNG")
    assert (result.save(tmp_path / "out") / "plots" / "diameter_histogram.png").is_file()
    assert result.ddpcr is None
    assert client.ddpcr(discs, discs, quality="fast").ddpcr["n"] == 12


def test_a_folder_becomes_one_table_and_nothing_stays_behind(client, tmp_path):
    for name, content in list(pictures())[:3]:
        path = tmp_path / "pictures" / "day 1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    told: list[Progress] = []
    results = client.segment_many(
        tmp_path / "pictures",
        tmp_path / "out",
        run={"export": ["imagej"]},
        progress=told.append,
        quality="fast",
    )
    assert list(results.pictures["picture"]) == [f"day 1/{seed}.png" for seed in range(3)]
    assert set(results.droplets["picture"]) == set(results.pictures["picture"])
    assert len(results.errors) == 0
    assert (tmp_path / "out" / "pictures" / "day 1" / "0.png" / "rois_imagej.zip").is_file()
    assert [progress.done for progress in told if progress.doing == "sending"] == [0, 1, 2, 3]
    assert told[-1] == Progress("analysing", 3, 3, told[-1].seconds_left)
    assert client.jobs() == []


def test_the_awaited_twin_does_the_same_and_refusals_are_exceptions(server, client, discs):
    async def ask():
        async with AsyncClient(server.address, KEY) as twin:
            return await asyncio.gather(*(twin.segment(discs, quality="fast") for _ in range(2)))

    first, second = in_a_loop(ask)
    assert first.files["droplets.csv"] == second.files["droplets.csv"]
    assert first.files["droplets.csv"] == client.segment(discs, quality="fast").files["droplets.csv"]
    with pytest.raises(Refused, match=r"options\.colour"):
        client.segment(discs, colour="red")
    with pytest.raises(NotFound):
        client.job("0" * 32)
    with (
        Client(server.address, "another-key-of-nobody") as stranger,
        pytest.raises(Unauthorized, match="not known"),
    ):
        stranger.jobs()
