"""The service as it is deployed: answers, and what its containers may and may not do."""

from __future__ import annotations

import http.client
import json
import os
from contextlib import closing

import pytest

from tests.e2e import outside
from tests.e2e.conftest import ADMIN_KEY, HEALTH_KEY, PLAIN
from tests.e2e.stack import APP, BALANCER, METRICS_PORT, REDIS, ROOT, wait_until

pytestmark = pytest.mark.e2e

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)"


def test_every_service_is_healthy(three, client):
    assert client.get("/health").json()["status"] == "healthy"
    assert client.get("/health/ready").status_code == 200
    assert len(three.containers(APP)) == 3


def test_health_shows_all_levels_to_its_key_only(client):
    levels = client.get("/health", **{"X-Health-Key": HEALTH_KEY}).json()["levels"]
    assert {"container", "application", "model", "response_times"} <= set(levels)
    assert levels["model"]["checkpoint"]["valid"]
    assert "levels" not in client.get("/health").json()


def test_the_sample_is_counted_right(client, sample):
    truth = json.loads((ROOT / "examples" / "droplets.json").read_text())["droplets"]
    inside = [droplet for droplet in truth if not droplet["touches_border"]]
    answer = client.segment_json(sample, PLAIN, "balanced")
    assert answer.status_code == 200, answer.text
    found = [mask for mask in answer.json()["masks"] if mask["kind"] == "droplet"]
    assert len(found) == pytest.approx(len(inside), rel=0.03)


def test_keys_guard_pictures_and_admin_routes(client, sample):
    assert client.segment(sample, "not-a-key").status_code == 401
    assert client.get("/admin/stats").status_code == 403
    assert client.get("/admin/stats", **{"X-Admin-Key": ADMIN_KEY}).status_code == 200


def test_no_container_has_rights_that_it_does_not_need(three):
    for service in three.services:
        for container in three.containers(service):
            found = three.inspect(container)
            host = found["HostConfig"]
            assert found["Config"]["User"] not in ("", "0", "root"), service
            assert host["ReadonlyRootfs"], service
            assert host["CapDrop"] == ["ALL"], service
            assert not host["CapAdd"], service
            assert not host["Privileged"], service
            assert host["Memory"] > 0, service
            assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"]), service


def test_the_app_runs_as_its_own_user_on_a_root_that_cannot_be_written(three):
    container = three.containers(APP)[0]
    assert three.execute(container, "id", "-u").stdout.strip() == "10001"
    status = three.execute(container, "cat", "/proc/1/status").stdout.split()
    assert status[status.index("CapEff:") + 1] == "0" * 16
    assert status[status.index("NoNewPrivs:") + 1] == "1"
    for place in ("/app/x", "/models/x", "/etc/x"):
        refused = three.execute(container, "touch", place)
        assert "Read-only file system" in refused.stderr, place
    assert three.execute(container, "touch", "/tmp/x").returncode == 0  # noqa: S108


def test_the_image_has_no_compiler(three):
    container = three.containers(APP)[0]
    assert three.execute(container, "sh", "-c", "command -v cc gcc g++ make").stdout == ""


@pytest.mark.skipif(os.geteuid() != 0 or not outside.can_be_made(), reason="needs root and iproute2")
def test_the_app_reaches_no_outside_and_the_load_balancer_does(three):
    app, balancer = three.containers(APP)[0], three.containers(BALANCER)[0]
    with outside.host() as (address, port):
        wait_until(
            lambda: (
                three.execute(balancer, "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}").returncode == 0
            )
        )
        assert three.execute(app, "python", "-c", CONNECT, address, str(port)).returncode != 0


def test_app_and_store_publish_no_port(three):
    published = {
        service
        for service in three.services
        for container in three.containers(service)
        if any(three.inspect(container)["NetworkSettings"]["Ports"].values())
    }
    assert BALANCER in published
    assert not published & {APP, REDIS}


def test_metrics_are_closed_in_public_and_open_inside(three, client):
    for path in ("/metrics", "/metrics/", "//metrics"):
        assert client.get(path).status_code == 404, path
    container = three.containers(APP)[0]
    assert three.inside(container, 9487).get("/metrics").status_code == 404
    assert "sam_requests_total" in three.inside(container, METRICS_PORT).get("/metrics").text


def test_a_picture_over_the_size_limit_is_told_so(client):
    connection = http.client.HTTPConnection(client.address.removeprefix("http://"), timeout=60)
    with closing(connection):
        connection.putrequest("POST", "/segment_file")
        connection.putheader("X-API-Key", PLAIN)
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders(bytes(2**19))  # the first of it
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["success"]) == (413, False)
