"""Bad requests of a machine's making, the same for the same seed: whole HTTP messages, ready to be sent."""

from __future__ import annotations

import base64
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tifffile

from api.schemas.options import Options
from droplets.objects.filters import Filters
from droplets.preprocess import Preprocessing
from tests.conftest import KEY
from tests.droplets.images import SOUND, patch_tiff

BOUNDARY = "----of-the-corpus"
LOOKED_AT, SEGMENTED = (
    ("/analyze_image", "/preview"),
    ("/segment", "/advanced_analysis", "/download_analysis"),
)
GROUPS = {"options": Options, "filters": Filters, "preprocessing": Preprocessing}
WRONG = ["null", "true", "-1", "0", "1e308", "1e999", "-0.0", "9" * 400, '""', '"x"', "[]", "[[1]]", "{}",
         '"\\ud800"', "NaN", "[" * 3000 + "]" * 3000, '{"a":{"a":1}}', f'"{5000 * "y"}"']  # fmt: skip
PLAIN = base64.b64encode(SOUND["png"]).decode()
VALUES = (0, 1, 2, 3, 7, 255, 256, 32768, 65535)


@dataclass(frozen=True)
class Bad:
    """One message: of which kind, and its bytes from the first line to the end of the body."""

    kind: str
    message: bytes


def corpus(seed: int, count: int) -> Iterator[Bad]:
    """So many bad requests, of all kinds in turn."""
    chance = random.Random(seed)  # noqa: S311
    for i in range(count):
        kind = list(KINDS)[i % len(KINDS)]
        yield Bad(kind, KINDS[kind](chance))


def damaged(chance: random.Random, data: bytes) -> bytes:
    """A file that is cut, has bits flipped, goes on as another one or has a piece twice."""
    at, end = sorted(chance.sample(range(len(data)), 2))
    match chance.randrange(4):
        case 0:
            return data[: at + 1]
        case 1:
            flipped = bytearray(data)
            for _ in range(chance.randint(1, 8)):
                # Half of the changes go to the header, where they do the most harm.
                place = chance.randrange(len(data) if chance.random() < 0.5 else min(len(data), 64))
                flipped[place] ^= 1 << chance.randrange(8)
            return bytes(flipped)
        case 2:
            return data[:end] + chance.choice(list(SOUND.values()))[at:]
        case _:
            return data[:end] + data[at:]


def http(path: str, body: bytes, kind: str = "application/json", *more: str, length: object = None) -> bytes:
    """A POST with the key, on a connection of its own."""
    lines = (
        f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", f"X-API-Key: {KEY}",
        f"Content-Type: {kind}", f"Content-Length: {len(body) if length is None else length}", *more,
    )  # fmt: skip
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body


def form(path: str, parts: list[tuple[str, bytes]], boundary: str = BOUNDARY, end: str = "--") -> bytes:
    """A multipart POST of (what stands behind `form-data`, content)."""
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data{name}\r\n\r\n".encode() + content + b"\r\n"
        for name, content in parts
    )
    return http(path, body + f"--{BOUNDARY}{end}".encode(), f"multipart/form-data; boundary={boundary}")


def picture(path: str, data: bytes) -> bytes:
    """A multipart POST of a picture."""
    return form(path, [('; name="file"; filename="a.png"', data)])


def bytes_of_a_picture(chance: random.Random) -> bytes:
    """Of each format."""
    path = chance.choice(LOOKED_AT if chance.random() < 0.9 else ("/segment_file",))
    return picture(path, damaged(chance, SOUND[chance.choice(sorted(SOUND))]))


def tags_of_a_tiff(chance: random.Random) -> bytes:
    """Up to three that hold whole numbers: sizes, depth, compression, where the strips are."""
    data = SOUND[chance.choice([name for name in sorted(SOUND) if "tiff" in name])]
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = [tag.code for tag in file.pages[0].tags if int(tag.dtype) in {3, 4, 16}]
    changed = {tag: chance.choice(VALUES) for tag in chance.sample(tags, chance.randint(1, 3))}
    return picture(chance.choice(LOOKED_AT), patch_tiff(data, changed))


def text_of_a_picture(chance: random.Random) -> bytes:
    """Base64 that is none, or of no picture."""
    text = chance.choice(
        [PLAIN, "data:image/png;base64," + PLAIN, "data:;base64,", "data:text/html," + PLAIN]
    )
    at = chance.randrange(len(text))
    piece = chance.choice(
        ["=", "====", "\\n", "\\u0000", "%2B", "é", "-_", " ", "\\ud800", "A" * 70_000, '"']
    )
    body = json.dumps({"image": "@"}).replace("@", text[:at] + piece + text[at:])
    return http(chance.choice(LOOKED_AT + SEGMENTED), body.encode())


def values_of_json(chance: random.Random) -> bytes:
    """A field of a group with a value that it seldom takes."""
    group = chance.choice(sorted(GROUPS))
    name = chance.choice([*GROUPS[group].model_fields, "__proto__"])
    value = f'"{name}": {chance.choice(WRONG)}' + (', "z": 1' if chance.random() < 0.7 else "")
    body = f'{{"image": "{PLAIN}", "{group}": {{{value}}}}}'
    return http(chance.choice(SEGMENTED), body.encode())


def shape_of_json(chance: random.Random) -> bytes:
    """A body that is cut, has bytes of its own, or is no object."""
    body = bytearray(json.dumps({"image": PLAIN, "options": {"points": [[3, 4]]}}).encode())
    at = chance.randrange(len(body))
    piece = chance.choice([b"", b"\xff\xfe", b"\0", b"}", b"{", b",", b'"', b"[" * 9000, b"\xed\xa0\x80"])
    whole = bytes(body[:at] + piece + (body[at:] if chance.random() < 0.7 else b""))
    return http(chance.choice(SEGMENTED), whole if chance.random() < 0.9 else chance.choice(WRONG).encode())


def zip_as_a_picture(chance: random.Random) -> bytes:
    """An archive, whole or damaged, alone or behind a picture's first bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/passwd", bytes(chance.choice([10, 1_000_000])))
        archive.writestr("a.png", SOUND["png"])
    data = damaged(chance, packed.getvalue()) if chance.random() < 0.7 else packed.getvalue()
    front = SOUND["png"][: chance.choice([0, 8, 40, 10_000])]
    return picture(chance.choice((*LOOKED_AT, "/segment_file")), front + data)


def fields_of_a_form(chance: random.Random) -> bytes:
    """Names, files and borders that no browser sends."""
    odd = ["", "; name=", '; name="file', '; name="file"; filename=""', '; name="options"', '; name="\xff"',
           "; name*=utf-8''file", '; name="file"; filename="../../a\0b"',
           '; name="file"\r\nContent-Type: x/\0']  # fmt: skip
    parts = [(chance.choice(odd), chance.choice([b"", b"{", SOUND["png"], b"x" * 2000])) for _ in range(3)]
    parts *= chance.choice([1, 1, 1, 400])
    boundary = chance.choice([BOUNDARY, "", "other", '"', "x" * 300])
    return form(
        chance.choice((*LOOKED_AT, "/segment_file")), parts, boundary, chance.choice(["--", "", "\r\n"])
    )


def headers(chance: random.Random) -> bytes:
    """Of any request: types, lengths, encodings, ids and keys."""
    more = chance.sample(
        ["Content-Encoding: gzip", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
         "Transfer-Encoding: \x0bchunked", "Expect: 200-ok", "Range: bytes=0-", "X-Request-ID: \xff\x7f",
         f"X-API-Key: {KEY}x", "X-Forwarded-For: ::1, x", "Forwarded: for=\x80", "Content-Length: 3", ": x",
         "Accept: */*;q=x", "Accept-Encoding: gzip;q=nan", "Cookie: a=\x01", "Upgrade: h2c", "Host: other"],
        chance.randint(1, 3),
    )  # fmt: skip
    kind = chance.choice(["application/json", "application/json; charset=utf-7", "text/plain", "",
                          "application/json, multipart/form-data", "multipart/x",
                          "application/x-www-form-urlencoded"])  # fmt: skip
    length = chance.choice([*[None] * 14, 0, "1_0", "+5", "-1", "9" * 30, "x"])
    path = chance.choice(["/segment", "/analyze_image", "//segment", "/%00", "/segment?image=x", "/health",
                          "/static/%2e%2e/x", "/docs/assets/..%2f..%2fa.py", "/admin/stats"])  # fmt: skip
    return http(path, b'{"image": ""}', kind, *more, length=length)


KINDS: dict[str, Callable[[random.Random], bytes]] = {
    maker.__name__: maker
    for maker in (
        bytes_of_a_picture, tags_of_a_tiff, text_of_a_picture, values_of_json, shape_of_json,
        zip_as_a_picture, fields_of_a_form, headers,
    )
}  # fmt: skip
"""What may be wrong with a request, with its maker."""
