"""What comes in: a picture and three groups of parameters, as JSON or multipart; anything else is refused."""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from api.plumbing.services import services
from api.schemas.options import Asked, Options
from auth_middleware import further_uploads, validate_file_upload
from droplets.ddpcr.options import MOST_DYES
from droplets.errors import BadRequest, TooLarge
from droplets.objects.filters import Filters
from droplets.preprocess import Preprocessing
from droplets.reading.image import decode_base64

GROUPS = ("filters", "preprocessing", "options")
PICTURES = ("file", "fluorescence")
MOST_BESIDE_PICTURES = 2**20
"""Bytes of a JSON body beside its pictures; a form has the same limit on its text (app.py)."""
PICTURE_FIELD = re.compile(rb'"(?:image|fluorescence)"\s*:\s*(\[\s*)?"')
"""Up to a picture's text. Within a text of JSON it cannot stand: a quote there has a backslash before it."""
NEXT_IN_LIST = re.compile(rb'"\s*,\s*"')
"""From the end of a picture's text to the next one's."""


@dataclass(frozen=True, eq=False)
class Sent:
    """What a request brings: a picture, perhaps its fluorescence, and the groups of parameters, unchecked.

    `name` is that of the picture's file, as the client gives it; of the fluorescence there is one a dye.
    """

    name: str
    picture: bytes
    fluorescence: tuple[bytes, ...]
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
    _refuse_a_query()
    rest, pictures = without_pictures(_whole_body())
    body = parse_json(rest, "The body")
    if not isinstance(body, dict):
        raise BadRequest('The body must be a JSON object: {"image": "<base64>"}.')
    light = body.pop("fluorescence", None)
    light = [] if light is None else light if isinstance(light, list) else [light]
    if len(light) > MOST_DYES:
        raise BadRequest(f"fluorescence must be at most {MOST_DYES} pictures, one a dye.")
    return Sent(
        name="picture",
        picture=_picture(body.pop("image", None), pictures, "image"),
        fluorescence=tuple(_picture(one, pictures, "fluorescence") for one in light),
        groups=body,
    )


def sent_with(upload: bytes) -> Sent:
    """In a multipart form whose file has been read. A field of no text counts as none: so browsers send it.

    Raises:
        BadRequest: a field is unknown, sent twice, a file instead of text or not strict JSON, or a
            fluorescence is empty, or one of too many.
        TooLarge, UnsupportedImage: as for the picture.
    """
    _refuse_a_query()
    _refuse_other_fields()
    groups = {name: parse_json(text, name) for name, text in request.form.items() if text}
    name = request.files["file"].filename or "picture"
    return Sent(name, upload, further_uploads("fluorescence", MOST_DYES), groups)


def asked(groups: dict[str, Any]) -> Asked:
    """Checked filters, preprocessing and options.

    Raises:
        BadRequest: names the first field that is wrong.
    """
    for name in groups:
        if name not in GROUPS:
            raise BadRequest(_unknown(name))
    return Asked(
        options=Options.parse(_group(groups, "options"), "options"),
        filters=Filters.parse(_group(groups, "filters"), "filters"),
        preprocessing=Preprocessing.parse(_group(groups, "preprocessing"), "preprocessing"),
    )


def parse_json(text: str | bytes, what: str) -> Any:
    """Value of strict JSON: no NaN, no Infinity, no endless nesting, no name twice.

    Raises:
        BadRequest: `text` is not that.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise BadRequest(f"{what} is not valid JSON.") from None


def _whole_body() -> bytes:
    """The request's body; one of unknown length that reaches the limit would be cut there without a word."""
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge
    return body


def without_pictures(body: bytes) -> tuple[bytes, dict[str, bytes]]:
    """A JSON body with a name in the place of each picture's text, and these texts by name.

    So a picture is never parsed, and what is, which takes up to thirty times its size in memory, is small.

    Raises:
        BadRequest: there are more pictures than a request may have.
        TooLarge: what is not a picture is over MOST_BESIDE_PICTURES.
    """
    rest: list[bytes] = []
    pictures: dict[str, bytes] = {}
    begun = 0
    field = PICTURE_FIELD.search(body)
    while field and (end := body.find(b'"', field.end())) >= 0:
        name = secrets.token_hex(8)  # so that no client can send it
        rest += [body[begun : field.end()], name.encode()]
        pictures[name] = body[field.end() : end]
        begun = end
        if len(pictures) > 1 + MOST_DYES:
            raise BadRequest(f"A body has one image and at most {MOST_DYES} fluorescences.")
        in_list = field.re is NEXT_IN_LIST or field[1]
        field = (NEXT_IN_LIST.match(body, end) if in_list else None) or PICTURE_FIELD.search(body, end)
    if sum(map(len, rest)) + len(body) - begun > MOST_BESIDE_PICTURES:
        raise TooLarge(f"Beside its pictures, the body is over the limit of {MOST_BESIDE_PICTURES >> 20} MB.")
    return b"".join([*rest, body[begun:]]), pictures


def _picture(name: Any, pictures: dict[str, bytes], field: str) -> bytes:
    text = pictures.get(name) if isinstance(name, str) else None
    if not text:
        raise BadRequest(f"{field} must be the picture as base64 or as a data URL.")
    plain = text.replace(rb"\/", b"/").decode("latin-1")  # the one escape that encoders write into base64
    return decode_base64(plain, max_bytes=services().auth.max_file_bytes)


def _refuse_a_query() -> None:
    for name in request.args:
        raise BadRequest(f"{name} in the address is not read; send it in the body.")


def _refuse_other_fields() -> None:
    """All fields of the form must be ones that are read, once, and as what they are read."""
    for name, texts in request.form.lists():
        if name not in GROUPS and (name not in PICTURES or any(texts)):  # browsers send no file as no text
            raise BadRequest(_unknown(name))
        if len(texts) > 1:
            raise BadRequest(f"{name} was sent {len(texts)} times; send it once.")
    for name in request.files:
        if name in GROUPS:
            raise BadRequest(f"{name} came as a file; send it as text (curl: -F '{name}=<FILE', not @FILE).")
        if name not in PICTURES:
            raise BadRequest(_unknown(name))


def _unknown(name: str) -> str:
    return f"{name} is not known; known are: image or file, fluorescence, {', '.join(GROUPS)}."


@validate_file_upload
def _sent_as_form(upload: bytes) -> Sent:
    return sent_with(upload)


def _group(groups: dict[str, Any], name: str) -> Any:
    value = groups.get(name)
    return {} if value is None else value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise BadRequest(f"{twice} stands twice in the same JSON object; send it once.")
    return made
