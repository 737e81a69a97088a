"""Record the answers that the specification shows: `python -m examples.answers`.

Writes answers.json: the service's answers to the first example of each request, by their schemas' names.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from flask import Flask

from api.openapi.document import KEYS
from api.openapi.examples import ANSWERS, request_examples
from api.openapi.operations import JSON, OPERATIONS
from api.plumbing.services import services
from app import create_app
from config import Settings

SECRETS = {name: f"{name}-to-record-with" for name in ("ApiKey", "AdminKey", "HealthKey")}


def record(app: Flask) -> dict[str, Any]:
    """JSON answers of an app whose keys are SECRETS, by the name of their schema."""
    client, answers = app.test_client(), {}
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    for endpoint, operation in OPERATIONS.items():
        if isinstance(operation.answer, str) or (operation.bodies and JSON not in operation.bodies):
            continue
        headers = {KEYS[operation.key][0]: SECRETS[operation.key]} if operation.key else {}
        path = rules[endpoint].rule
        if operation.bodies:
            example = next(iter(request_examples(endpoint, JSON).values()))
            answer = client.post(path, headers=headers, json=example["value"])
        else:
            answer = client.get(path, headers=headers)
        answers[operation.answer.__name__] = answer.get_json()
    return answers


def main() -> None:
    """Write the file."""
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
        answers = record(app)
        services(app).close()
    answers["Stats"]["series"] = answers["Stats"]["series"][-3:]
    for instance in answers["Stats"]["instances"]:
        instance["host"] = "sam-app-1"  # not the name of the machine that records
    ANSWERS.write_text(json.dumps(answers, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
