"""Settings are read once, strictly; a bad one stops the start with one line."""

from __future__ import annotations

import hashlib
import os

import pytest
from pydantic import ValidationError

from config import DEMO_KEY, Settings, cores, load_settings, parse_api_key


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_keys_are_parsed_and_not_kept(monkeypatch):
    monkeypatch.setenv("API_KEYS", "first-secret-key:Ada Lovelace:100, other-secret-key:Bob:5:disabled,")
    settings = load_settings()
    ada, bob = settings.api_keys
    assert (ada.name, ada.limit, ada.enabled) == ("Ada Lovelace", 100, True)
    assert ada.hint == f"firs… {ada.digest.hex()[:6]}"
    assert (bob.name, bob.limit, bob.enabled, bob.hint[:5]) == ("Bob", 5, False, "othe…")
    assert ada.digest == hashlib.sha256(b"first-secret-key").digest()
    assert "secret" not in repr(settings)


def test_a_key_may_be_given_as_its_digest():
    digest = hashlib.sha256(b"first-secret-key").hexdigest()
    assert parse_api_key(f"sha256${digest}:Ada:1").digest == bytes.fromhex(digest)


def test_defaults(monkeypatch):
    monkeypatch.setenv("API_KEYS", "first-secret-key:Ada:1")
    settings = load_settings()
    assert (settings.flask_host, settings.flask_port) == ("127.0.0.1", 9487)
    assert settings.max_file_bytes == 50 * 2**20
    assert settings.precision == "auto"
    assert settings.admin_api_key is None


def test_an_ipv6_address_is_put_in_brackets():
    settings = Settings(_env_file=None, api_keys="first-secret-key:Ada:1", flask_host="::1")
    assert settings.address == "[::1]:9487"


def test_the_metrics_have_an_address_of_their_own_if_they_are_on():
    keys = "first-secret-key:Ada:1"
    assert Settings(_env_file=None, api_keys=keys).addresses == ["127.0.0.1:9487"]
    settings = Settings(_env_file=None, api_keys=keys, metrics_port=9464)
    assert settings.addresses == ["127.0.0.1:9487", "127.0.0.1:9464"]


def test_the_metrics_library_finds_its_folder_only_if_metrics_are_on(monkeypatch, tmp_path):
    keys = "first-secret-key:Ada:1"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    Settings(_env_file=None, api_keys=keys, metrics_port=9464).apply_to_process()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path)
    Settings(_env_file=None, api_keys=keys).apply_to_process()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_the_cores_are_known_where_the_system_tells_no_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cores() == 6
    assert Settings(_env_file=None, api_keys="first-secret-key:Ada:1", workers=2).torch_threads == 3


def test_dotenv_is_read_and_the_environment_wins(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("API_KEYS=first-secret-key:Ada:1\nFLASK_PORT=1234\nTHREADS=30\nOTHER=1\n")
    monkeypatch.setenv("FLASK_PORT", "4321")
    settings = load_settings()
    assert (settings.flask_port, settings.threads) == (4321, 30)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("API_KEYS", "", "Field required"),
        ("API_KEYS", ",", "at least one"),
        ("API_KEYS", "first-secret-key:Ada", "key:name:limit"),
        ("API_KEYS", "first-secret-key:Ada:many", "whole number"),
        ("API_KEYS", "first-secret-key:Ada:0", "at least 1"),
        ("API_KEYS", "first-secret-key:Ada:-5", "whole number"),
        ("API_KEYS", "first-secret-key:Ada:5:off", "disabled"),
        ("API_KEYS", "sha256$12:Ada:5", "64 hexadecimal"),
        ("API_KEYS", "sha256$zz:Ada:5", "64 hexadecimal"),
        ("API_KEYS", "first-secret-key:Ada:5,other-secret-key:Ada:5", "share a key or a name"),
        ("API_KEYS", "fifteen-letters:Ada:5", "fewer than 16 characters: make one by `openssl"),
        ("ADMIN_API_KEY", "fifteen-letters", "fewer than 16 characters"),
        ("HEALTH_CHECK_KEY", "health", "fewer than 16 characters"),
        ("ADMIN_API_KEY_FILE", "/proc/nowhere", "cannot be read"),
        ("API_KEYS_FILE", "/proc/nowhere", "set one of them"),
        ("ALLOWED_ORIGINS", "*", "is no origin"),
        ("ALLOWED_ORIGINS", "https://.*", "is no origin"),
        ("ALLOWED_ORIGINS", "https://lab.example.org/", "without a path"),
        ("ALLOWED_ORIGINS", "lab.example.org", "is no origin"),
        ("API_KEYS", "first-secret-key:Ada:5,first-secret-key:Bob:5", "share a key or a name"),
        ("FLASK_PORT", "http", "integer"),
        ("FLASK_PORT", "70000", "65535"),
        ("DEVICE", "gpu", "'auto', 'cpu' or 'cuda'"),
        ("LOG_LEVEL", "LOUD", "DEBUG"),
        ("PRECISION", "int8", "'auto', 'fp32', 'bf16' or 'fp16'"),
        ("MAX_FILE_SIZE_MB", "0", "greater than 0"),
        ("FLASK_DEBUG", "perhaps", "boolean"),
        ("THREADS", "11", "QUEUE_SIZE + 4"),
        ("DATA_DIR", "/proc/nowhere", "cannot be made"),
        ("METRICS_PORT", "9487", "must not be FLASK_PORT"),
        ("PROMETHEUS_MULTIPROC_DIR", "/proc/nowhere", "cannot be made"),
        ("TUNNEL_METRICS_URL", "cloudflare-tunnel:2000", "'http' or 'https'"),
        ("LOG_FILE", "/proc/nowhere/sam.log", "cannot be made"),
        ("STORE_OUTAGE", "ignore", "'refuse' or 'allow'"),
    ],
)
def test_a_bad_variable_stops_the_start_with_one_line(monkeypatch, name, value, reason):
    monkeypatch.setenv("API_KEYS", "first-secret-key:Ada:1")
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stop:
        load_settings()
    line = str(stop.value)
    assert name in line
    assert reason in line
    assert "\n" not in line
    assert "first-secret-key" not in line


def test_keys_come_from_files(monkeypatch, tmp_path):
    (tmp_path / "keys").write_text("first-secret-key:Ada:1\nother-secret-key:Bob:2\n")
    (tmp_path / "admin").write_text("an-admin-secret-key\n")
    monkeypatch.setenv("API_KEYS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("ADMIN_API_KEY_FILE", str(tmp_path / "admin"))
    settings = load_settings()
    assert [key.name for key in settings.api_keys] == ["Ada", "Bob"]
    assert settings.admin_api_key.get_secret_value() == "an-admin-secret-key"
    assert settings.health_check_key is None
    (tmp_path / "admin").write_text("short")
    with pytest.raises(SystemExit, match="ADMIN_API_KEY: has fewer than 16"):
        load_settings()


@pytest.mark.parametrize(
    "url",
    [
        "redis://store",
        "redis://:pass%2Fword@store:6380/3",
        "rediss://user:password@store.example:6380",
        "unix:///run/redis.sock?db=2",
    ],
)
def test_an_address_of_a_redis_server(monkeypatch, url):
    monkeypatch.setenv("API_KEYS", "first-secret-key:Ada:1")
    monkeypatch.setenv("REDIS_URL", url)
    monkeypatch.setenv("DATA_DIR", "/proc/nowhere")
    with pytest.raises(SystemExit, match="DATA_DIR"):
        load_settings()  # jobs are kept there
    monkeypatch.setenv("JOBS", "off")
    settings = load_settings()
    assert settings.redis_url.get_secret_value() == url
    assert "password" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "store:6379",
        "http://store",
        "redis://:hunter#2@store",
        "redis://:hunter/2@store",
        "redis://:hunter2@store:port",
        "redis://:hunter2@store:99999",
        "redis://:hunter2@store/first",
        "redis://:hunter2@[store",
        "redis://:hunter2@store..example",
        "rediss://:hunter2@store?ssl_cert_reqs=hunter2",
        "redis://:hunter2@store?socket_timeout=soon",
        "redis://:hunter2@store?colour=hunter2",
        "unix://?db=hunter2",
    ],
)
def test_a_bad_address_of_a_redis_server_is_not_repeated(monkeypatch, url):
    monkeypatch.setenv("API_KEYS", "first-secret-key:Ada:1")
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SystemExit, match="REDIS_URL: must read redis://") as stop:
        load_settings()
    assert "hunter" not in str(stop.value)
    assert "\n" not in str(stop.value)


def test_a_process_that_answers_nobody_needs_no_keys(monkeypatch, tmp_path):
    monkeypatch.delenv("API_KEYS", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="API_KEYS"):
        load_settings()
    assert load_settings(with_keys=False).api_keys == ()


def test_fp16_is_refused_where_it_cannot_be_had(monkeypatch):
    monkeypatch.setenv("API_KEYS", "first-secret-key:Ada:1")
    monkeypatch.setenv("PRECISION", "fp16")
    assert load_settings().precision == "fp16"  # there may be a CUDA device
    monkeypatch.setenv("DEVICE", "cpu")
    with pytest.raises(SystemExit, match="PRECISION: fp16 needs a CUDA device"):
        load_settings()


@pytest.mark.parametrize(("host", "debug", "taken"), [
    ("127.0.0.1", False, True), ("localhost", False, True), ("::1", False, True),
    ("0.0.0.0", False, False), ("0.0.0.0", True, True), ("example.org", False, False),
])  # fmt: skip
def test_the_demo_key_is_for_loopback_only(host, debug, taken):
    values = {"api_keys": f"{DEMO_KEY}:Demo:50", "flask_host": host, "flask_debug": debug}
    if taken:
        assert Settings(_env_file=None, **values).api_keys[0].name == "Demo"
    else:
        with pytest.raises(ValidationError, match="demo key is public"):
            Settings(_env_file=None, **values)


def test_numerical_libraries_get_their_variables(monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "")
    Settings(
        _env_file=None, api_keys="first-secret-key:Ada:1", omp_num_threads=3, cuda_visible_devices="1"
    ).apply_to_process()
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("3", "3")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
