"""Digital PCR over HTTP; the masks are the truth of a rendered pair, so that no model is needed."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest

from api.plumbing.services import services
from api.schemas.segmentation import Segmentation
from droplets.types import Generation
from tests.conftest import KEY, png
from tests.droplets.pairs import pair

TRUTH = pair(size=256, positives=0.2, seed=1)
BRIGHT = png(np.full((256, 256), 140, np.uint8))
LIGHT = png(TRUTH.fluorescence)


@pytest.fixture
def client(app, monkeypatch):
    timing = {"queue": 0.0, "encode": 0.0, "generate": 0.0}
    monkeypatch.setattr(services(app).sam, "generate", lambda *_: Generation(tuple(TRUTH.masks), timing))
    return app.test_client()


def post_file(client, *, fluorescence=None, picture=BRIGHT, **options):
    form = {"file": (io.BytesIO(picture), "a.png"), "options": json.dumps(options)}
    if fluorescence is not None:
        form["fluorescence"] = (io.BytesIO(fluorescence), "b.png")
    return client.post("/segment_file", data=form, headers={"X-API-Key": KEY})


def post_json(client, **body):
    return client.post("/segment", json=body, headers={"X-API-Key": KEY})


def test_a_fluorescence_picture_asks_for_it(client):
    answer = post_file(client, fluorescence=LIGHT, pixel_size_um=2.0)
    Segmentation.model_validate_json(json.dumps(answer.json), strict=True)
    found = answer.json["ddpcr"]
    lit = [mask["fluorescence"] for mask in answer.json["masks"] if mask["fluorescence"]]
    assert found["n"] == len(lit) == found["positives"] + found["negatives"]
    assert found["positives"] == sum(light["positive"] for light in lit)
    assert found["p_interval"][0] < found["p"] < found["p_interval"][1]
    assert found["lambda"] == pytest.approx(-np.log1p(-found["p"]))
    assert found["copies_per_ul"] == pytest.approx(found["lambda"] / found["volume_pl"]["mean"] * 1e6)
    assert answer.json["timing_ms"]["ddpcr"] > 0


def test_json_and_upload_answer_the_same(client):
    upload = post_file(client, fluorescence=LIGHT).json
    texts = [base64.b64encode(data).decode() for data in (BRIGHT, LIGHT)]
    body = post_json(client, image=texts[0], fluorescence=f"data:image/png;base64,{texts[1]}").json
    assert body["ddpcr"] == upload["ddpcr"]
    assert body["masks"] == upload["masks"]


def test_several_dyes_are_answered_each_and_joint(client):
    other = pair(size=256, positives=0.5, seed=1)
    dyes = {"dyes": [{"name": "FAM"}, {"name": "HEX", "threshold": 1e9}], "crosstalk": [[1, 0], [0, 1]]}
    form = {
        "file": (io.BytesIO(BRIGHT), "a.png"),
        "fluorescence": [(io.BytesIO(LIGHT), "b.png"), (io.BytesIO(png(other.fluorescence)), "c.png")],
        "options": json.dumps({"ddpcr": dyes}),
    }
    answer = client.post("/segment_file", data=form, headers={"X-API-Key": KEY}).json
    Segmentation.model_validate_json(json.dumps(answer), strict=True)
    found, one = answer["ddpcr"], post_file(client, fluorescence=LIGHT).json["ddpcr"]
    assert {name: found[name] for name in one} == one  # of one dye it stays as it is
    fam, hex_ = found["dyes"]
    assert (fam["name"], hex_["name"], hex_["positives"]) == ("FAM", "HEX", 0)
    (both,) = found["joint"]
    assert (both["dyes"], both["only_first"], both["both"]) == (["FAM", "HEX"], fam["positives"], 0)
    assert all(len(mask["dyes"]) == 2 for mask in answer["masks"])
    texts = [base64.b64encode(png(one.fluorescence)).decode() for one in (TRUTH, other)]
    bright = base64.b64encode(BRIGHT).decode()
    body = post_json(client, image=bright, fluorescence=texts, options={"ddpcr": dyes})
    assert body.json["ddpcr"] == found
    refused = post_json(client, image=bright, fluorescence=texts, options={"ddpcr": {"crosstalk": [[1]]}})
    assert (refused.status_code, "crosstalk" in refused.json["message"]) == (400, True)


def test_without_it_there_is_none(client):
    answer = post_file(client).json
    assert answer["ddpcr"] is None
    assert {mask["fluorescence"] for mask in answer["masks"]} == {None}


def test_a_channel_of_the_picture_itself(client):
    colour = np.full((256, 256, 3), 140, np.uint16)
    colour[..., 1] = TRUTH.fluorescence
    as_found = {"refine_edges": False}  # edges are those of the picture, which differ
    answer = post_file(client, picture=png(colour), ddpcr={"channel": "green"}, **as_found).json
    aligned = post_file(client, fluorescence=LIGHT, ddpcr={"registration": "none"}, **as_found).json
    assert answer["ddpcr"] == aligned["ddpcr"]
    assert answer["ddpcr"]["registration"]["confidence"] is None


def test_the_clients_threshold_counts(client):
    answer = post_file(client, fluorescence=LIGHT, ddpcr={"threshold": 1e9}).json["ddpcr"]
    assert (answer["positives"], answer["threshold_source"]) == (0, "request")
    assert any("No droplet is positive" in warning for warning in answer["warnings"])


@pytest.mark.parametrize(
    ("fluorescence", "options", "named"),
    [
        (png(np.zeros((256, 250), np.uint8)), {}, "250 x 256"),
        (None, {"ddpcr": {}}, "fluorescence"),
        (LIGHT, {"ddpcr": {"channel": "green"}}, "options.ddpcr.channel"),
        (LIGHT, {"ddpcr": {"channel": "violet"}}, "options.ddpcr.channel"),
        (LIGHT, {"ddpcr": {"treshold": 3}}, "options.ddpcr"),
    ],
)
def test_what_cannot_be_is_400_and_named(client, fluorescence, options, named):
    answer = post_file(client, fluorescence=fluorescence, **options)
    assert answer.status_code == 400
    assert named in answer.json["message"]


@pytest.mark.parametrize("value", ["", 7, "*"])
def test_a_fluorescence_that_is_no_base64_is_400(client, value):
    answer = post_json(client, image=base64.b64encode(BRIGHT).decode(), fluorescence=value)
    assert answer.status_code == 400
