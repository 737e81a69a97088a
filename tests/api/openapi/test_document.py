"""The specification agrees with the service: its routes, its examples, its answers and its errors."""

from __future__ import annotations

import base64
import io
import json

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource

from api.openapi.document import HEADERS, KEYS, NO_BODY
from api.openapi.examples import ASKED, PICTURE
from api.openapi.operations import BYTES, FORM, JSON, OPERATIONS
from api.plumbing.services import services
from api.routes.docs import ASSETS
from api.schemas.options import Asked
from api.schemas.requests import AnalysisBody, AnalysisForm
from api.wire.requests import GROUPS
from tests.conftest import ADMIN_KEY, HEALTH_KEY, KEY, ROOT, SMALL_KEY

KEY_VALUES = {"ApiKey": KEY, "AdminKey": ADMIN_KEY, "HealthKey": HEALTH_KEY}
DOCUMENT = "urn:specification"


@pytest.fixture(scope="module")
def document(model_app):
    return model_app.test_client().get("/openapi.json").json


@pytest.fixture(scope="module")
def check(document):
    """Holds a value against a schema of the document."""
    registry = Registry().with_resource(DOCUMENT, Resource.from_contents(document, _draft()))

    def hold(value, schema):
        schema = json.loads(json.dumps(schema).replace('"#/', f'"{DOCUMENT}#/'))
        Draft202012Validator(schema, registry=registry).validate(value)

    return hold


def _draft():
    from referencing.jsonschema import DRAFT202012

    return DRAFT202012


def operations(document):
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def examples():
    return [
        pytest.param(endpoint, form, name, id=f"{endpoint} {form} {name}")
        for endpoint, named in ASKED.items()
        for form in OPERATIONS[endpoint].bodies
        for name in named
    ]


def resolve(document, node):
    while "$ref" in node:
        found = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def request_body(form, value):
    """Arguments of the test client for an example as it stands in the document."""
    if form == JSON:
        return {"json": value}
    files = {"file", "fluorescence"}
    return {
        "data": {
            name: (io.BytesIO(base64.b64decode(part)), "picture.jpg") if name in files else json.dumps(part)
            for name, part in value.items()
        },
        "content_type": FORM,
    }


class TestDocument:
    def test_it_is_valid_openapi_3_1(self, document):
        assert document["openapi"] == "3.1.0"
        OpenAPIV31SpecValidator(document).validate()

    def test_it_is_public_and_the_same_each_time(self, client):
        first = client.get("/openapi.json")
        assert first.status_code == 200
        assert first.mimetype == JSON
        assert client.get("/openapi.json").data == first.data

    def test_every_route_stands_in_it_and_nothing_else(self, app, document):
        routes = {
            (rule.rule.replace("<path:", "<").replace("<", "{").replace(">", "}"), method.lower())
            for rule in app.url_map.iter_rules()
            for method in rule.methods - NO_BODY
        }
        assert {(path, method) for path, method, _ in operations(document)} == routes
        assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(OPERATIONS)

    def test_every_operation_is_described(self, document):
        ids = [operation["operationId"] for _, _, operation in operations(document)]
        assert len(set(ids)) == len(ids)
        for path, _, operation in operations(document):
            assert operation["summary"].endswith("."), path
            assert {"200", "202"} & set(operation["responses"]), path
            for form, body in operation.get("requestBody", {}).get("content", {}).items():
                assert form == BYTES or body["examples"], path

    def test_every_schema_and_response_is_used(self, document):
        text = json.dumps(document)
        for kind in ("schemas", "responses", "headers", "parameters"):
            for name in document["components"][kind]:
                assert f'"#/components/{kind}/{name}"' in text, name

    def test_every_parameter_of_a_request_has_a_line_on_it(self, document):
        for name in (
            "AnalysisBody",
            "AnalysisForm",
            "JobForm",
            "RunOptions",
            "Options",
            "Filters",
            "Preprocessing",
            "DdpcrOptions",
        ):
            for field, schema in document["components"]["schemas"][name]["properties"].items():
                assert schema.get("description"), f"{name}.{field}"

    def test_the_groups_of_a_request_are_those_that_it_is_checked_by(self):
        checked = {name: type(group) for name, group in vars(Asked()).items()}
        assert set(checked) == set(GROUPS)
        for body, pictures in ((AnalysisBody, {"image"}), (AnalysisForm, {"file"})):
            assert set(body.model_fields) == {*GROUPS, *pictures, "fluorescence"}
            for name, group in checked.items():
                assert body.model_fields[name].annotation == group

    def test_docs_api_names_every_route(self, document):
        text = (ROOT / "docs" / "labs" / "api.md").read_text()
        pages = {path for path, _, operation in operations(document) if operation["tags"] == ["Pages"]}
        for path in document["paths"].keys() - {each for each in pages if "{" in each}:
            assert f"{path}`" in text or f"{path}?" in text, path


class TestExamples:
    @pytest.mark.model
    @pytest.mark.parametrize(("endpoint", "form", "name"), examples())
    def test_each_request_is_answered_as_documented(self, model_app, document, check, endpoint, form, name):
        path = next(rule.rule for rule in model_app.url_map.iter_rules() if rule.endpoint == endpoint)
        operation = document["paths"][path]["post"]
        content = operation["requestBody"]["content"][form]
        (example,) = [each for each in content["examples"].values() if each["summary"] == name]
        check(example["value"], content["schema"])
        answer = model_app.test_client().post(
            path, headers={"X-API-Key": KEY}, **request_body(form, example["value"])
        )
        (status,) = {"200", "202"} & set(operation["responses"])
        assert answer.status_code == int(status), answer.text
        documented = operation["responses"][status]
        assert answer.mimetype in documented["content"]
        assert set(documented["headers"]) <= set(answer.headers.keys())
        if answer.mimetype == JSON:
            check(answer.json, documented["content"][JSON]["schema"])
            if endpoint.startswith("segmentation.segment"):
                assert answer.json["num_masks"] > 0
                assert answer.json["image"]["notes"] == []

    @pytest.mark.model
    def test_each_route_without_a_body_answers_as_documented(self, app, document, check):
        client = app.test_client()
        client.get("/defaults", headers={"X-API-Key": KEY})  # something for the statistics
        for path, method, operation in operations(document):
            if method != "get" or "{" in path:
                continue
            keys = [name for each in operation.get("security", []) for name in each]
            headers = {KEYS[name][0]: KEY_VALUES[name] for name in keys}
            answer = client.get(path, headers=headers, buffered=True)
            assert answer.status_code == 200, path
            documented = operation["responses"]["200"]
            assert answer.mimetype in documented["content"], path
            assert set(documented["headers"]) <= set(answer.headers.keys()), path
            if schema := documented["content"][answer.mimetype].get("schema"):
                check(answer.json, schema)

    def test_each_recorded_answer_is_one_that_is_documented(self, document, check):
        for _, _, operation in operations(document):
            for response in operation["responses"].values():
                for content in resolve(document, response).get("content", {}).values():
                    for example in content.get("examples", {}).values():
                        check(example["value"], content["schema"])

    def test_every_json_answer_has_an_example(self, document):
        for path, _, operation in operations(document):
            (status,) = {"200", "202"} & set(operation["responses"])
            content = operation["responses"][status]["content"].get(JSON)
            if content and path != "/openapi.json":
                assert content["examples"], path

    def test_the_picture_of_the_examples_is_small(self):
        assert PICTURE.stat().st_size < 4000


class TestErrors:
    def send(self, app, path, *, headers=None, **body):
        return app.test_client().post(path, headers={"X-API-Key": KEY, **(headers or {})}, **body)

    def broken(self, image):
        return {"json": {"image": base64.b64encode(image).decode()}}

    @pytest.mark.parametrize("path", ["/segment", "/advanced_analysis", "/analyze_image"])
    def test_each_status_of_a_route_with_a_picture(self, make_app, document, check, discs, path):
        app = make_app(max_file_size_mb=0.1, request_timeout_s=0.01)
        answers = [
            self.send(app, path, json={}),
            self.send(app, path, headers={"X-API-Key": "nobody"}, json={}),
            self.send(app, path, **self.broken(bytes(200_000))),
            self.send(app, path, **self.broken(b"<html></html>" * 9)),
            self.send(app, path, **self.broken(b"\x89PNG\r\n\x1a\n" + bytes(50))),
            *(self.send(app, path, headers={"X-API-Key": SMALL_KEY}, json={}) for _ in range(4)),
        ]
        while services(app).decoding.acquire(blocking=False):
            pass  # no picture can be decoded any more
        answers.append(self.send(app, path, **self.broken(discs)))
        seen = {answer.status_code for answer in answers}
        assert seen == {400, 401, 413, 415, 422, 429, 503}
        for answer in answers:
            self.hold(document, check, document["paths"][path]["post"], answer)

    @pytest.mark.parametrize("path", ["/admin/stats", "/admin/health", "/health"])
    def test_each_status_of_a_route_with_another_key(self, app, document, check, path):
        client, operation = app.test_client(), document["paths"][path]["get"]
        header = KEYS[next(iter(operation["security"][0]))][0]
        answers = [client.get(path, headers={header: "guess"}) for _ in range(11)]
        assert {answer.status_code for answer in answers} == {403, 429}
        for answer in answers:
            self.hold(document, check, operation, answer)

    def test_not_ready_is_documented(self, make_app, document, check, tmp_path):
        answer = make_app(sam_model_path=tmp_path / "none.pt").test_client().get("/health/ready")
        assert answer.status_code == 503
        content = document["paths"]["/health/ready"]["get"]["responses"]["503"]["content"]
        check(answer.json, content[JSON]["schema"])

    def hold(self, document, check, operation, answer):
        responses = operation["responses"]
        assert str(answer.status_code) in responses
        documented = resolve(document, responses[str(answer.status_code)])
        check(answer.json, documented["content"][JSON]["schema"])
        assert set(documented["headers"]) <= set(answer.headers.keys())
        for name in set(HEADERS) & set(answer.headers.keys()) - {"X-Request-ID"}:
            assert answer.headers[name].isdigit()


class TestPage:
    def test_it_comes_from_this_service_alone(self, client):
        page = client.get("/docs")
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "//" not in page.text.replace("http://www.w3.org/2000/svg", "")
        for name in ASSETS:
            assert f"/docs/assets/{name}" in page.text
            assert client.get(f"/docs/assets/{name}", buffered=True).status_code == 200

    @pytest.mark.parametrize("name", ["index.css", "..%2fflask_swagger_ui.py", "LICENSE", "%2e%2e/config.py"])
    def test_nothing_else_of_the_package_is_served(self, client, name):
        assert client.get(f"/docs/assets/{name}").status_code == 404
