"""Examples of requests and answers for the specification; all of them work as they stand."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

from api.openapi.operations import OPERATIONS
from api.schemas.segmentation import Answer

FOLDER = Path(__file__).parent.parent.parent / "examples"
PICTURE, ANSWERS = FOLDER / "small.jpg", FOLDER / "answers.json"

FAST = {"quality": "fast"}
PLAIN = "Everything in the picture"
ASKED: dict[str, dict[str, dict[str, Any]]] = {
    "segmentation.segment": {
        PLAIN: {"options": FAST},
        "Filters and micrometres": {
            "filters": {"diameter_min": 12, "exclude_edge_touching": True},
            "options": {**FAST, "pixel_size_um": 1.5, "mask_format": "polygon"},
        },
        "Corrected by hand": {"options": {**FAST, "add": [[37, 8]], "exclude": [[63, 68]]}},
        "Only at some points": {"options": {"points": [[52, 37]], "mask_format": "none"}},
    },
    "segmentation.segment_file": {
        PLAIN: {"options": FAST},
        "After a blur": {
            "preprocessing": {"gaussian_blur": True, "gaussian_kernel_size": 3},
            "options": {**FAST, "refine_edges": False},
        },
    },
    "analysis.advanced_analysis": {PLAIN: {"options": FAST}},
    "analysis.download_analysis": {PLAIN: {"options": FAST}},
    "jobs.create": {PLAIN: {"options": FAST, "run": {"export": ["overlay"]}}},
    "segmentation.analyze_image": {"A picture": {}},
    "preview.preview": {"A picture": {}},
}
"""By endpoint and name: what is sent beside the picture."""


@cache
def picture() -> str:
    """The small picture as base64."""
    return base64.b64encode(PICTURE.read_bytes()).decode()


def request_examples(endpoint: str, form: str) -> dict[str, Any]:
    """OpenAPI examples of a request's body.

    Arguments:
        endpoint: in OPERATIONS.
        form: one of its content types.
    """
    schema = OPERATIONS[endpoint].bodies[form]
    field = "image" if schema and "image" in schema.model_fields else "file"
    return {
        name.lower().replace(" ", "-"): {"summary": name, "value": {field: picture(), **groups}}
        for name, groups in ASKED[endpoint].items()
    }


@cache
def answer_examples(answer: type[Answer]) -> dict[str, Any]:
    """OpenAPI examples of an answer, recorded by `python -m examples.answers`."""
    recorded: dict[str, Any] = json.loads(ANSWERS.read_text())
    name = answer.__name__
    return {"answer": {"summary": "As answered", "value": recorded[name]}} if name in recorded else {}
