"""The compose files: valid, hardened, closed to the outside, and in step with the settings."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from config import Settings
from tests.deployment.tools import (
    COMPOSE_FILES,
    KEYS,
    PROFILES,
    ROOT,
    compose,
    compose_config,
    debian_tool,
    run,
)

SERVICES = {
    "sam-app",
    "sam-worker",
    "model",
    "redis",
    "load-balancer",
    "cloudflare-tunnel",
    "prometheus",
    "grafana",
}
HAS_OUTSIDE = {"load-balancer", "cloudflare-tunnel", "model", "prometheus", "grafana"}
IMAGE_SETS = {"FLASK_HOST", "SAM_MODEL_PATH", "HEAD_MODEL_PATH", "DATA_DIR", "PROMETHEUS_MULTIPROC_DIR"}
LEFT_ALONE = {
    "FLASK_PORT",
    "API_KEYS_FILE",  # for secrets that are mounted, in a file of compose of one's own
    "ADMIN_API_KEY_FILE",
    "HEALTH_CHECK_KEY_FILE",
    "CUDA_VISIBLE_DEVICES",  # the engine gives the GPU
    "SAM_MODEL_ACCEPT_UNKNOWN",  # the service `model` brings known checkpoints alone
}


@pytest.fixture(scope="module", params=COMPOSE_FILES)
def config(request) -> dict[str, Any]:
    return compose_config(request.param)


@pytest.fixture(scope="module")
def services(config) -> dict[str, Any]:
    return config["services"]


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_every_choice_of_profiles_is_valid(file):
    for profiles in ((), PROFILES[:1], PROFILES[1:]):
        command = ["docker-compose", "--env-file", "/dev/null", "-f", file]
        command += [f"--profile={profile}" for profile in profiles]
        done = run([*command, "config", "-q"], environment={"API_KEYS": KEYS})
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_missing_keys_stop_everything_with_one_clear_line(file):
    done = compose(file, "config", "-q")
    assert done.returncode != 0
    assert "API_KEYS" in done.stderr
    assert ".env.example" in done.stderr


def test_digest_in_single_quotes_reaches_the_app_whole(tmp_path):
    digest = f"sha256${'a1' * 32}:Ada:5"
    (tmp_path / "env").write_text(f"API_KEYS='{digest}'\n")
    command = ["docker-compose", "--env-file", str(tmp_path / "env"), "-f", "docker-compose.yml", "config"]
    assert digest.replace("$", "$$") in run(command).stdout


def test_services_are_the_known_ones(services):
    assert set(services) == SERVICES


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_is_hardened(services, name):
    service = services[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert 0 < service["deploy"]["resources"]["limits"]["pids"] <= 512
    assert not service.get("privileged")
    assert service["logging"]["options"]["max-size"]
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert "container_name" not in service


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_does_not_run_as_root(services, name):
    service = services[name]
    if "build" in service:
        dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
        user = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)[-1]
    else:
        user = service["user"]
    assert re.fullmatch(r"[1-9]\d*:\d+", user)


def test_only_the_load_balancer_is_published_and_monitoring_on_loopback(services):
    published = {
        (name, port["target"], port.get("host_ip"))
        for name, service in services.items()
        for port in service.get("ports", [])
    }
    assert published == {
        ("load-balancer", 9487, "127.0.0.1"),
        ("prometheus", 9090, "127.0.0.1"),
        ("grafana", 3000, "127.0.0.1"),
    }


def test_the_load_balancer_can_be_opened_to_the_local_network():
    services = compose_config("docker-compose.yml", PUBLISH_ADDRESS="0.0.0.0")["services"]
    assert services["load-balancer"]["ports"][0]["host_ip"] == "0.0.0.0"


def test_app_and_store_reach_no_outside(config):
    inside = {name for name, network in config["networks"].items() if network.get("internal")}
    for name, service in config["services"].items():
        assert (set(service["networks"]) <= inside) == (name not in HAS_OUTSIDE), name


def test_who_is_on_a_network_with_whom(services):
    def on(network: str) -> set[str]:
        return {name for name, service in services.items() if network in service["networks"]}

    assert on("store") == {"redis", "sam-app", "sam-worker"}
    assert on("app") == {"sam-app", "load-balancer", "cloudflare-tunnel", "prometheus"}
    assert "sam-app" not in on("edge") | on("outside") | on("monitoring")


def test_secrets_reach_only_who_needs_them(services):
    for name, service in services.items():
        environment = set(service.get("environment") or {})
        assert ("API_KEYS" in environment) == (name == "sam-app")
        assert ("secrets" in service) == (name == "cloudflare-tunnel")


def test_model_and_configuration_are_mounted_read_only(services):
    writable = {
        (name, mount["target"])
        for name, service in services.items()
        for mount in service.get("volumes", [])
        if not mount.get("read_only")
    }
    assert writable == {
        ("sam-app", "/data"),
        ("sam-app", "/logs"),
        ("sam-worker", "/data"),
        ("model", "/models"),
        ("redis", "/data"),
        ("prometheus", "/prometheus"),
    }


def test_mounted_files_are_there(services):
    for service in services.values():
        for mount in service.get("volumes", []):
            assert mount["type"] == "volume" or Path(mount["source"]).exists()


def test_every_setting_reaches_the_app(services):
    given = set(services["sam-app"]["environment"])
    assert {name.upper() for name in Settings.model_fields} <= given | IMAGE_SETS | LEFT_ALONE


def test_defaults_of_the_compose_file_are_valid_settings(services, monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in services["sam-app"]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    assert settings.trusted_proxy_hops == 1
    assert settings.torch_threads == int(services["sam-app"]["deploy"]["resources"]["limits"]["cpus"])


def test_the_worker_of_jobs_has_what_the_service_has_where_both_read_it(services):
    app, worker = services["sam-app"], services["sam-worker"]
    assert worker["environment"].items() <= app["environment"].items()
    assert app["environment"]["JOBS"] == "apart"
    shared = {(mount["source"], mount["target"]) for mount in worker["volumes"]}
    assert shared <= {(mount["source"], mount["target"]) for mount in app["volumes"]}
    assert worker["command"] == ["python", "-m", "jobs"]


def test_example_env_names_every_variable_and_no_other():
    files = [*COMPOSE_FILES, "docker-compose.gpu-changes.yml"]
    used = {name for file in files for name in re.findall(r"\$\{([A-Z_]+)", (ROOT / file).read_text())}
    named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(used)


def test_example_env_holds_no_key():
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert {line for line in lines if line and not line.startswith("#")} == {
        "API_KEYS=",
        "ADMIN_API_KEY=",
        "HEALTH_CHECK_KEY=",
    }


def seconds(text: str) -> float:
    """Compose's `1m50s`, HAProxy's and cloudflared's `125s`."""
    found = re.fullmatch(r"(?:(\d+)m)?(?:([\d.]+)s)?", text)
    assert found, text
    return 60 * float(found[1] or 0) + float(found[2] or 0)


def test_nothing_hangs_up_before_the_slowest_picture_is_done(services):
    slowest = float(services["sam-app"]["environment"]["REQUEST_TIMEOUT_S"])
    haproxy = (ROOT / "monitoring" / "haproxy.cfg").read_text()
    tunnel = (ROOT / "cloudflared" / "config.yml").read_text()
    waits = [
        re.search(r"timeout server (\S+)", haproxy)[1],
        re.search(r"hard-stop-after (\S+)", haproxy)[1],
        re.search(r"grace-period: (\S+)", tunnel)[1],
        services["load-balancer"]["stop_grace_period"],
        services["sam-app"]["stop_grace_period"],
        services["cloudflare-tunnel"]["stop_grace_period"],
    ]
    assert min(map(seconds, waits)) >= slowest


@pytest.mark.skipif(debian_tool("redis-server") is None, reason="redis-server is not installed")
def test_the_store_keeps_what_it_is_told_and_answers_other_hosts(services, tmp_path):
    address = tmp_path / "socket"
    command = [*services["redis"]["command"], "--port", "0", "--unixsocket", str(address)]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        patient = Retry(ConstantBackoff(0.1), 100)
        with redis.Redis(
            unix_socket_path=str(address), retry=patient, retry_on_error=[redis.ConnectionError]
        ) as client:
            in_force = client.config_get()
    finally:
        server.terminate()
        server.wait()
    wanted = {"protected-mode": "no", "appendonly": "yes", "save": "", "maxmemory-policy": "noeviction"}
    assert wanted.items() <= in_force.items()


def test_start_waits_for_what_is_needed(services):
    def needs(name: str) -> dict[str, str]:
        return {other: how["condition"] for other, how in services[name].get("depends_on", {}).items()}

    assert needs("sam-app") == {"model": "service_completed_successfully", "redis": "service_healthy"}
    assert needs("sam-worker") == needs("sam-app")
    assert needs("load-balancer") == {"sam-app": "service_healthy"}
    assert needs("cloudflare-tunnel") == {"sam-app": "service_healthy", "load-balancer": "service_healthy"}


def test_gpu_file_changes_only_what_the_gpu_needs():
    given = {"TORCH_INDEX": "http://cpu.invalid", "TORCH_BACKEND": "cpu"}
    cpu, gpu = (compose_config(file, **given)["services"] for file in COMPOSE_FILES)
    assert {name for name in SERVICES if cpu[name] != gpu[name]} == {"sam-app", "sam-worker", "model"}
    app = gpu["sam-app"]
    [device] = app["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert (app["environment"]["DEVICE"], app["environment"]["WORKERS"]) == ("cuda", "1")
    assert app["image"] != cpu["sam-app"]["image"]
    built = app["build"]["args"]
    assert (built["TORCH_BACKEND"], built["TORCH_INDEX"]) == ("", "")  # pip's default build has CUDA
    assert app["image"] == gpu["model"]["image"]
    assert app["build"] == gpu["model"]["build"] == gpu["sam-worker"]["build"]
    assert gpu["sam-worker"]["image"] == app["image"]
    assert gpu["sam-worker"]["deploy"]["resources"]["reservations"]["devices"] == [device]


def test_image_for_cpus_has_the_build_for_cpus_unless_asked_otherwise():
    def backend(**environment: str) -> str:
        services = compose_config("docker-compose.yml", **environment)["services"]
        return services["sam-app"]["build"]["args"]["TORCH_BACKEND"]

    assert [backend(), backend(TORCH_BACKEND=""), backend(TORCH_BACKEND="cu130")] == ["cpu", "", "cu130"]
