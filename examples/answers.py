"""Record the answers that the specification shows: `python -m examples.answers`.

Writes answers.json: by route the service's answer to the first example of a request.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from api.examples import ANSWERS
from api.openapi import KEYS
from api.operations import JSON, OPERATIONS
from app import create_app
from config import Settings

SECRETS = {"ApiKey": "an-api-key-to-record-with", "AdminKey": "an-admin-key", "HealthKey": "a-health-key"}


def record() -> dict[str, Any]:
    """JSON answers by endpoint."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            Settings(
                _env_file=None,
                api_keys=f"{SECRETS['ApiKey']}:Ada:1000",
                admin_api_key=SECRETS["AdminKey"],
                health_check_key=SECRETS["HealthKey"],
                data_dir=Path(folder),
                log_level="WARNING",
            )
        )
        client, answers = app.test_client(), {}
        document = client.get("/openapi.json").get_json()
        for path, methods in reversed(document["paths"].items()):  # statistics come last
            for method, operation in methods.items():
                endpoint = operation["operationId"].replace("_", ".", 1)
                key = OPERATIONS[endpoint].key
                headers = {KEYS[key][0]: SECRETS[key]} if key else {}
                if JSON not in operation["responses"]["200"]["content"] or endpoint == "docs.openapi":
                    continue
                examples = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("examples")
                body = {"json": next(iter(examples.values()))["value"]} if examples else {}
                if method == "get" or body:
                    answers[endpoint] = client.open(path, method=method, headers=headers, **body).get_json()
        app.extensions["auth"].usage.close()
    return dict(sorted(answers.items()))


def main() -> None:
    """Write the file."""
    ANSWERS.write_text(json.dumps(record(), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
