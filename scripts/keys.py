"""The keys of this machine, as the service reads them: the environment first, then `.env`."""

from __future__ import annotations

import os

from dotenv import dotenv_values


def client_key() -> str | None:
    """The first API key, None if only its digest is known."""
    key = (_setting("API_KEYS") or "").split(":")[0].strip()
    return None if not key or key.startswith("sha256$") else key


def admin_key() -> str | None:
    """The admin key, None if there is none."""
    return _setting("ADMIN_API_KEY")


def _setting(name: str) -> str | None:
    return os.environ.get(name) or dotenv_values(".env").get(name)
