"""Record the answers that the specification shows: `python -m examples.answers`.

Writes answers.json: the service's answers to the first example of each request, by their schemas' names.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from flask import Flask, url_for
from flask.testing import FlaskClient

from api.openapi.document import KEYS
from api.openapi.examples import ANSWERS, PICTURE, request_examples
from api.openapi.operations import BYTES, FORM, JSON, OPERATIONS
from api.plumbing.services import services
from app import create_app
from config import Settings

SECRETS = {name: f"{name}-to-record-with" for name in ("ApiKey", "AdminKey", "HealthKey")}
ENDING = ("jobs.start", "jobs.remove")
"""What answers as others do, and would leave them nothing to answer about."""


def record(app: Flask) -> dict[str, Any]:
    """JSON answers of an app whose keys are SECRETS, by the name of their schema."""
    client, answers = app.test_client(), {}
    arguments: dict[str, Any] = {"job": _job(client), "name": PICTURE.name}
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    for endpoint, operation in OPERATIONS.items():
        forms_alone = operation.bodies.keys() == {FORM}
        if isinstance(operation.answer, str) or forms_alone or endpoint in ENDING:
            continue
        headers = {KEYS[operation.key][0]: SECRETS[operation.key]} if operation.key else {}
        with app.test_request_context():
            path = url_for(endpoint, **{name: arguments[name] for name in rules[endpoint].arguments})
        if BYTES in operation.bodies:
            answer = client.put(path, headers=headers, data=PICTURE.read_bytes())
        elif operation.bodies:
            example = next(iter(request_examples(endpoint, JSON).values()))
            answer = client.post(path, headers=headers, json=example["value"])
        else:
            answer = client.get(path, headers=headers)
        answers[operation.answer.__name__] = answer.get_json()
    return answers


def _job(client: FlaskClient) -> str:
    """Id of a new job that waits for its files."""
    headers, form = {KEYS["ApiKey"][0]: SECRETS["ApiKey"]}, {"run": json.dumps({"start": False})}
    return str(client.post("/jobs", headers=headers, data=form).get_json()["id"])


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
