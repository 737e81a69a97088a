"""The service's OpenAPI 3.1 document, from the routes and the schemas that check requests and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from werkzeug.routing import Rule

from api.errors import RateLimited
from api.openapi.examples import ASKED, answer_examples, request_examples
from api.openapi.operations import BYTES, FORM, JSON, OPERATIONS, Key, Operation
from api.plumbing.errors import ANSWERS
from api.schemas.segmentation import Answer, ErrorAnswer
from config import VERSION
from droplets.errors import ServiceError, Unavailable

ABOUT = (
    "Finds, counts and measures droplets and the beads in them in microscope pictures. "
    "Coordinates are (x, y) pixels with pixel centres at integers, boxes are x, y, width, height. "
    "Numbers are finite or null. In the examples of multipart bodies files stand as base64; "
    "send their bytes."
)
SCHEMA, HEADER = "#/components/schemas/", "#/components/headers/"
ADDRESS = "http://localhost:9487"
NO_BODY = {"HEAD", "OPTIONS"}

KEYS: dict[Key, tuple[str, str]] = {
    "ApiKey": ("X-API-Key", "An API key; its hourly limit is a sliding window."),
    "AdminKey": ("X-Admin-Key", "The key of ADMIN_API_KEY."),
    "HealthKey": ("X-Health-Key", "The key of HEALTH_CHECK_KEY; optional, for all levels of health."),
}
HEADERS: dict[str, tuple[str, str]] = {
    "X-Request-ID": ("string", "The request's id: the client's own, or a new one."),
    "X-RateLimit-Limit": ("integer", "Requests that the key may make within any hour."),
    "X-RateLimit-Remaining": ("integer", "Requests that are left of them."),
    "X-RateLimit-Reset": ("integer", "When the oldest request leaves the window, seconds since the epoch."),
    "Retry-After": ("integer", "Seconds after which it is worth trying again."),
}
EVERY = ("X-Request-ID",)
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def openapi(rules: Iterable[Rule], views: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """The document.

    Arguments:
        rules: of the application's URL map; those whose endpoint is not in OPERATIONS are left out.
        views: by endpoint; the first line of the docstring becomes the operation's summary.
    """
    paths: dict[str, dict[str, Any]] = {}
    for rule in rules:
        operation = OPERATIONS.get(rule.endpoint)
        if operation is None:
            continue
        path = paths.setdefault(_path(rule), {})
        for method in _methods(rule):
            path[method.lower()] = _operation(rule, operation, views[rule.endpoint].__doc__ or "")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SAM Droplet Segmentation",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in OPERATIONS.values())],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": _components(),
    }


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _methods(rule: Rule) -> set[str]:
    return (rule.methods or set()) - NO_BODY


def _operation(rule: Rule, operation: Operation, doc: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [operation.tag],
        "summary": doc.partition("\n")[0],
        **_curl(rule, operation),
        "parameters": [
            {"$ref": "#/components/parameters/RequestId"},
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in sorted(rule.arguments)
            ),
            *({"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()),
            *(
                {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
                for name, text in operation.header.items()
            ),
        ],
        "responses": _responses(operation),
    }
    if operation.key:
        described["security"] = [{operation.key: []}, *([{}] if operation.key == "HealthKey" else [])]
    if operation.bodies:
        described["requestBody"] = {
            "required": True,
            "content": {
                form: {"schema": _reference(schema), "examples": request_examples(rule.endpoint, form)}
                if schema
                else {}
                for form, schema in operation.bodies.items()
            },
        }
    return described


def _curl(rule: Rule, operation: Operation) -> dict[str, str]:
    """A description with the request as a line for the shell; none for pages."""
    if operation.tag == "Pages":
        return {}
    parts = ["curl"]
    if operation.key:
        parts.append(f"-H '{KEYS[operation.key][0]}: YOUR-KEY'")
    if FORM in operation.bodies:
        groups = next(iter(ASKED[rule.endpoint].values()))
        parts += [
            "-F file=@picture.png",
            *(f"-F '{name}={json.dumps(value)}'" for name, value in groups.items()),
        ]
    elif BYTES in operation.bodies:
        parts.append("-T picture.png")
    elif JSON in operation.bodies:
        parts += ["-H 'Content-Type: application/json'", "-d @request.json"]
    elif method := _methods(rule) - {"GET"}:
        parts.append(f"-X {min(method)}")
    if operation.answer == "text/event-stream":
        parts.append("-N")
    elif isinstance(operation.answer, str):
        parts.append(f"-o answer.{operation.answer.rpartition('/')[2]}")
    return {"description": f"```sh\n{' '.join([*parts, ADDRESS + _path(rule)])}\n```"}


def _responses(operation: Operation) -> dict[str, Any]:
    """By status; whatever else may go wrong is the default."""
    answers: dict[int, type[Answer] | str] = {operation.status: operation.answer, **operation.also}
    limits = LIMITS if operation.key == "ApiKey" else ()
    return {
        **{
            str(status): {
                "description": HTTPStatus(status).phrase,
                "headers": _headers(*EVERY, *limits),
                "content": _content(answer) | (_files(operation) if status == operation.status else {}),
            }
            for status, answer in answers.items()
        },
        **{
            str(ANSWERS[error].status): {"$ref": f"#/components/responses/{_error_name(error, operation)}"}
            for error in operation.errors
        },
        "default": {"$ref": "#/components/responses/ServiceError"},
    }


def _content(answer: type[Answer] | str) -> dict[str, Any]:
    if isinstance(answer, str):
        return {answer: {}}
    return {JSON: {"schema": _reference(answer), "examples": answer_examples(answer)}}


def _files(operation: Operation) -> dict[str, Any]:
    return {name: {} for name in operation.formats}


def _components() -> dict[str, Any]:
    return {
        "schemas": _schemas(),
        "responses": {
            "ServiceError": _error("Any error."),
            **{
                _error_name(error, operation): _error(
                    (error.__doc__ or "").partition("\n")[0], *_error_headers(error, operation)
                )
                for operation in OPERATIONS.values()
                for error in operation.errors
            },
        },
        "headers": {
            name: {"description": text, "schema": {"type": kind}} for name, (kind, text) in HEADERS.items()
        },
        "parameters": {
            "RequestId": {
                "name": "X-Request-ID",
                "in": "header",
                "description": "An id of your own for the request, of up to 64 letters, digits and ._-; "
                "others are replaced.",
                "schema": {"type": "string"},
            }
        },
        "securitySchemes": {
            name: {"type": "apiKey", "in": "header", "name": header, "description": text}
            for name, (header, text) in KEYS.items()
        },
    }


def _schemas() -> dict[str, Any]:
    """JSON schemas of all requests and answers."""
    models: dict[type[BaseModel], JsonSchemaMode] = {ErrorAnswer: "serialization"}
    for operation in OPERATIONS.values():
        models |= dict.fromkeys(filter(None, operation.bodies.values()), "validation")
        answers = (operation.answer, *operation.also.values())
        models |= dict.fromkeys((each for each in answers if not isinstance(each, str)), "serialization")
    _, definitions = models_json_schema(list(models.items()), ref_template=SCHEMA + "{model}")
    return dict(sorted(definitions["$defs"].items()))


def _error_name(error: type[ServiceError], operation: Operation) -> str:
    """Name in the components; an address that sent wrong keys has other limits than a key."""
    wrong_keys = error is RateLimited and operation.key != "ApiKey"
    return "WrongKeys" if wrong_keys else error.__name__


def _error_headers(error: type[ServiceError], operation: Operation) -> tuple[str, ...]:
    limits = LIMITS if error is RateLimited and operation.key == "ApiKey" else ()
    return (*limits, "Retry-After") if error in (RateLimited, Unavailable) else ()


def _error(description: str, *headers: str) -> dict[str, Any]:
    """A response of the components."""
    return {
        "description": description,
        "headers": _headers(*EVERY, *headers),
        "content": {JSON: {"schema": _reference(ErrorAnswer)}},
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": HEADER + name} for name in names}


def _reference(schema: type[BaseModel]) -> dict[str, str]:
    return {"$ref": SCHEMA + schema.__name__}
