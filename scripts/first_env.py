"""Write a first `.env` with the demo key and random admin and health keys, unless there is one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from config import DEMO_KEY

TEMPLATE = """\
# Settings of this machine; docs/operators/settings.md lists all. Keys: key:name:requests an hour, by commas.
API_KEYS={demo}:Demo:1000
ADMIN_API_KEY={admin}
HEALTH_CHECK_KEY={health}
LOG_FORMAT=console
"""


def main() -> None:
    """Create `.env` in the working folder, readable by its owner only."""
    path = Path(".env")
    text = TEMPLATE.format(demo=DEMO_KEY, admin=secrets.token_urlsafe(24), health=secrets.token_urlsafe(24))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    print("Wrote .env with a demo key and a random admin key")


if __name__ == "__main__":
    main()
