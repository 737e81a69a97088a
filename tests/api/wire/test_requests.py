"""What comes in and cannot be read is refused by name; what is no picture stays small."""

from __future__ import annotations

import base64
import io
import time
import tracemalloc

import pytest

from api.wire.requests import MOST_BESIDE_PICTURES, without_pictures
from droplets.errors import BadRequest
from tests.conftest import KEY

FAST = '{"quality": "fast"}'
HEADERS = {"X-API-Key": KEY}


def upload(data: bytes, name: str = "a.png"):
    return io.BytesIO(data), name


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"options": FAST.encode()}, "options came as a file"),
        ({"picture": b"x"}, "picture is not known"),
        ({"optoins": FAST}, "optoins is not known"),
        ({"optoins": ""}, "optoins is not known"),
        ({"options": [FAST, FAST]}, "options was sent 2 times"),
        ({"options": '{"quality": "fast", "quality": "balanced"}'}, "quality stands twice"),
        ({"filters": '{"area_min": 1, "area_min": 2}'}, "area_min stands twice"),
    ],
)
@pytest.mark.parametrize("path", ["/segment_file", "/analyze_image", "/preview"])
def test_what_a_form_has_too_much_is_named(client, discs, path, fields, named):
    sent = {name: upload(value) if isinstance(value, bytes) else value for name, value in fields.items()}
    answer = client.post(path, data={"file": upload(discs), **sent}, headers=HEADERS)
    assert answer.status_code == 400
    assert named in answer.json["message"]


@pytest.mark.parametrize(
    ("query", "body", "named"),
    [
        ("?options=x", '{"image": "AAAA"}', "options in the address"),
        ("?quality=fast", '{"image": "AAAA"}', "quality in the address"),
        ("", '{"image": "AAAA", "image": "AAAA"}', "image stands twice"),
        ("", '{"image": "AAAA", "options": {"quality": "fast", "quality": "fast"}}', "quality stands twice"),
        ("", '{"image": "AAAA", "fluorescence": ["A", "A", "A", "A", "A"]}', "one image and at most 4"),
        ("", '{"image": "AAAA", "fluorescence": ["AAAA", null]}', "fluorescence must be"),
        ("", '{"image": "AAAA", "options": {"image": "AAAA"}}', "options.image"),
        ("", '{"image": 0, "fluorescence": "AAAA"}', "image must be"),
        ("", '{"image": "AAAA}', "not valid JSON"),
    ],
)
def test_what_a_json_body_has_too_much_is_named(client, query, body, named):
    answer = client.post("/segment" + query, data=body, headers=HEADERS, content_type="application/json")
    assert answer.status_code == 400
    assert named in answer.json["message"]


def test_a_picture_in_json_with_escaped_slashes_and_spaces(client, discs):
    text = base64.b64encode(discs).decode().replace("/", "\\/")
    for body in (f'{{ "image" : "{text}" }}', f'{{"options": {{}}, "image":"data:image/png;base64,{text}"}}'):
        answer = client.post("/analyze_image", data=body, headers=HEADERS, content_type="application/json")
        assert (answer.status_code, answer.json["size"]["bytes"]) == (200, len(discs))


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * 20_000_000 + b"[]]",
        b'{"image": "AAAA", "options": ' + b"[" * 2_000_000,
        b'{"image": "AAAA", "x": "' + b"y" * (MOST_BESIDE_PICTURES + 1) + b'"}',
        b"{" + b'"a": "b",' * 200_000 + b"}",
    ],
    ids=["many lists", "deep lists", "a long text", "many fields"],
)
def test_what_is_no_picture_is_never_parsed_if_it_is_large(client, body):
    tracemalloc.start()
    started = time.perf_counter()
    answer = client.post("/segment", data=body, headers=HEADERS, content_type="application/json")
    seconds, (_, most) = time.perf_counter() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (answer.status_code, "over the limit of 1 MB" in answer.json["message"]) == (413, True)
    assert most < 3 * len(body) + 10 * 2**20
    assert seconds < 2


def test_a_picture_is_cut_out_and_no_name_can_be_guessed():
    rest, pictures = without_pictures(b'{"image": "AA", "note": "\\"image\\": \\"BB\\""}')
    (name,) = pictures
    assert pictures == {name: b"AA"}
    assert rest == b'{"image": "%s", "note": "\\"image\\": \\"BB\\""}' % name.encode()
    rest, pictures = without_pictures(
        b'{"fluorescence": [ "AA" , "BB"], "image": "CC", "options": {"a": "b"}}'
    )
    first, second, image = (name.encode() for name in pictures)
    assert list(pictures.values()) == [b"AA", b"BB", b"CC"]
    assert rest == (
        b'{"fluorescence": [ "%s" , "%s"], "image": "%s", "options": {"a": "b"}}' % (first, second, image)
    )
    with pytest.raises(BadRequest):
        without_pictures(b'{"image": ""' * 100_000)
