"""Every error has its HTTP status in one table, and its place in the tree of its room."""

from __future__ import annotations

import pytest
from flask import Flask

import api.errors
import droplets.errors
import jobs.errors
import store.errors
from api.plumbing.errors import ANSWERS, init_app
from droplets.errors import ModelUnavailable, ServiceError
from sam_service import Busy


def family(kind: type[ServiceError]) -> set[type[ServiceError]]:
    return {kind}.union(*(family(child) for child in kind.__subclasses__()))


def test_every_error_has_its_line_in_the_table():
    assert set(ANSWERS) == family(ServiceError)


@pytest.mark.parametrize("module", [droplets.errors, store.errors, api.errors, jobs.errors])
def test_the_tree_of_a_room_shows_each_of_its_errors(module):
    own = {kind for kind in family(ServiceError) if kind.__module__ == module.__name__}
    assert own
    lines = {line.lstrip("│├└─ ").split()[0] for line in module.__doc__.splitlines() if line.strip()}
    for kind in own:
        assert kind.__name__ in lines
        assert kind is ServiceError or kind.__base__.__name__ in lines


def test_those_who_are_refused_together_do_not_come_back_together():
    app = Flask(__name__)
    init_app(app)

    @app.get("/")
    def view():
        raise Busy("The queue is full.", retry_after=30)

    waits = {int(app.test_client().get("/").headers["Retry-After"]) for _ in range(40)}
    assert len(waits) > 5
    assert 30 <= min(waits) <= max(waits) <= 45


def test_how_long_to_wait_is_in_the_headers():
    app = Flask(__name__)
    init_app(app)

    @app.get("/")
    def view():
        raise ModelUnavailable("The model is away.", retry_after=60)

    answer = app.test_client().get("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert answer.json == {
        "success": False,
        "error": "model unavailable",
        "message": "The model is away.",
        "request_id": None,
    }
