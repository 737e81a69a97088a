"""POST /preview: a picture as browsers can show it."""

from __future__ import annotations

import cv2
from flask import Blueprint, Response, current_app

from api.wire.answer import decode, place_to_look
from api.wire.requests import asked, sent
from auth_middleware import require_api_key, track_usage
from droplets.reading.planes import Selection
from droplets.region import checked_region

blueprint = Blueprint("preview", __name__)

FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@blueprint.post("/preview")
@track_usage
@require_api_key
def preview() -> Response:
    """The picture as 8-bit PNG, as the model sees it: TIFF, video and 16 bit, which browsers cannot show."""
    received = sent()
    selection = asked(received.groups).options.selection
    with place_to_look():
        return current_app.response_class(_png(received.picture, selection), mimetype="image/png")


def _png(picture: bytes, selection: Selection) -> bytes:
    image = decode(picture, selection)
    checked_region(image, None)  # a longer one neither the model takes nor the encoder
    _, png = cv2.imencode(".png", cv2.cvtColor(image.pixels, cv2.COLOR_RGB2BGR), FAST)
    return png.tobytes()
