"""What comes in: a picture and three groups of parameters, as JSON or multipart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import request

from api.plumbing.services import services
from api.schemas.options import Asked, Options
from auth_middleware import optional_upload, validate_file_upload
from droplets.errors import BadRequest
from droplets.objects.filters import Filters
from droplets.preprocess import Preprocessing
from droplets.reading.image import decode_base64

GROUPS = ("filters", "preprocessing", "options")


@dataclass(frozen=True, eq=False)
class Sent:
    """What a request brings: a picture, perhaps its fluorescence, and the groups of parameters, unchecked.

    `name` is that of the picture's file, as the client gives it.
    """

    name: str
    picture: bytes
    fluorescence: bytes | None
    groups: dict[str, Any]


def sent() -> Sent:
    """In either form: a JSON body, else multipart.

    Raises:
        BadRequest, TooLarge, UnsupportedImage: as the forms' own functions.
    """
    return sent_as_json() if request.is_json else _sent_as_form()


def sent_as_json() -> Sent:
    """In a JSON body with base64 pictures.

    Raises:
        BadRequest: the body is not strict JSON, or not of the expected form.
        TooLarge: a picture is over the size limit.
    """
    if not request.is_json:
        raise BadRequest("Send the body as application/json, or the picture to /segment_file as multipart.")
    body = parse_json(request.get_data(cache=False), "The body")
    if not isinstance(body, dict):
        raise BadRequest('The body must be a JSON object: {"image": "<base64>"}.')
    second = body.pop("fluorescence", None)
    return Sent(
        name="picture",
        picture=_picture(body.pop("image", None), "image"),
        fluorescence=None if second is None else _picture(second, "fluorescence"),
        groups=body,
    )


def sent_with(upload: bytes) -> Sent:
    """In a multipart form whose file has been read. A field of no text counts as none: so browsers send it.

    Raises:
        BadRequest: a field is unknown or not strict JSON, or the fluorescence is empty or sent twice.
        TooLarge, UnsupportedImage: as for the picture.
    """
    groups = {name: parse_json(text, name) for name, text in request.form.items() if text}
    name = request.files["file"].filename or "picture"
    return Sent(name, upload, optional_upload("fluorescence"), groups)


def asked(groups: dict[str, Any]) -> Asked:
    """Checked filters, preprocessing and options.

    Raises:
        BadRequest: names the first field that is wrong.
    """
    for name in groups:
        if name not in GROUPS:
            raise BadRequest(
                f"{name} is not known; known are: image or file, fluorescence, {', '.join(GROUPS)}."
            )
    return Asked(
        options=Options.parse(_group(groups, "options"), "options"),
        filters=Filters.parse(_group(groups, "filters"), "filters"),
        preprocessing=Preprocessing.parse(_group(groups, "preprocessing"), "preprocessing"),
    )


def parse_json(text: str | bytes, what: str) -> Any:
    """Value of strict JSON: no NaN, no Infinity, no endless nesting.

    Raises:
        BadRequest: `text` is not that.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadRequest(f"{what} is not valid JSON.") from None


def _picture(text: Any, name: str) -> bytes:
    if not isinstance(text, str) or not text:
        raise BadRequest(f"{name} must be the picture as base64 or as a data URL.")
    return decode_base64(text, max_bytes=services().auth.max_file_bytes)


@validate_file_upload
def _sent_as_form(upload: bytes) -> Sent:
    return sent_with(upload)


def _group(groups: dict[str, Any], name: str) -> Any:
    value = groups.get(name)
    return {} if value is None else value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
