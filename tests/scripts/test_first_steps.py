"""What `make run` does around the service: a first `.env` and a greeting."""

from __future__ import annotations

import pytest

from config import DEMO_KEY, Settings, load_settings
from scripts import first_env, greet


@pytest.fixture(autouse=True)
def bare_folder(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_env_is_complete_private_and_random(bare_folder):
    first_env.main()
    path = bare_folder / ".env"
    first = path.read_text()
    settings = load_settings()
    assert [(key.name, key.limit) for key in settings.api_keys] == [("Demo", 1000)]
    assert len(settings.admin_api_key.get_secret_value()) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    first_env.main()
    assert path.read_text() == first  # never overwritten
    path.unlink()
    first_env.main()
    assert path.read_text() != first


def test_the_greeting_shows_address_keys_and_a_request(capsys):
    first_env.main()
    greet.main()
    printed = capsys.readouterr().out
    assert "http://127.0.0.1:9487/" in printed
    assert f"curl -H 'X-API-Key: {DEMO_KEY}' -F file=@examples/droplets.png" in printed
    assert load_settings().admin_api_key.get_secret_value() in printed


def test_the_environment_goes_before_the_file(capsys, monkeypatch):
    first_env.main()
    monkeypatch.setenv("API_KEYS", f"sha256${'0' * 64}:Ada:5")
    monkeypatch.setenv("FLASK_PORT", "1234")
    greet.main()
    printed = capsys.readouterr().out
    assert ":1234/" in printed
    assert "known by its digest only" in printed
    assert "sha256$" not in printed
