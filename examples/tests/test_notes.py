"""How one tests such a function: import it, hand it an event, look at the answer. No server is needed."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parent.parent / "notes" / "app.py"


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The function, freshly initialised on a database of its own."""
    monkeypatch.setenv("NOTES_DIR", str(tmp_path))
    spec = importlib.util.spec_from_file_location("notes_app", APP)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "notes_app", module)
    spec.loader.exec_module(module)
    yield module
    module.db.close()


def call(app, route, *, body=None, query=None, sub="ada", **path):
    event = {"version": "2.0", "routeKey": route, "isBase64Encoded": False}
    event["requestContext"] = {"authorizer": {"jwt": {"claims": {"sub": sub}, "scopes": None}}}
    if path:
        event["pathParameters"] = path
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    result = app.handler(event, None)
    return result["statusCode"], json.loads(result["body"]) if "body" in result else None


def test_a_note_can_be_written_read_changed_and_deleted(app):
    status, note = call(app, "POST /notes", body={"text": "buy milk"})
    assert status == 201
    assert call(app, "GET /notes/{id}", id=note["id"]) == (200, note)
    status, changed = call(app, "PUT /notes/{id}", id=note["id"], body={"text": "buy oat milk"})
    assert (status, changed["text"]) == (200, "buy oat milk")
    assert call(app, "DELETE /notes/{id}", id=note["id"]) == (204, None)
    assert call(app, "GET /notes/{id}", id=note["id"])[0] == 404


def test_the_list_shows_the_newest_first_and_honours_its_limit(app, monkeypatch):
    for number in range(3):
        monkeypatch.setattr(app.time, "time_ns", lambda n=number: n * 1_000_000)
        call(app, "POST /notes", body={"text": f"note {number}"})
    status, page = call(app, "GET /notes", query={"limit": "2"})
    assert status == 200
    assert [note["text"] for note in page["notes"]] == ["note 2", "note 1"]


@pytest.mark.parametrize(
    "body",
    ["", "no json", "[]", '{"text": 7}', '{"text": " "}', json.dumps({"text": "x" * 10_001})],
    ids=["empty", "no-json", "list", "number", "blank", "too-long"],
)
def test_a_bad_note_is_refused_with_a_reason_and_not_stored(app, body):
    status, answer = call(app, "POST /notes", body=body)
    assert status == 400
    assert answer["message"]
    assert call(app, "GET /notes")[1] == {"notes": []}


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_a_bad_limit_is_refused(app, limit):
    assert call(app, "GET /notes", query={"limit": limit})[0] == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_note_that_does_not_exist_is_404(app, method):
    assert call(app, f"{method} /notes/{{id}}", id="missing", body={"text": "x"})[0] == 404


def test_text_is_kept_as_it_was_written(app):
    text = "naïve ☃ 🧦 'quoted'; DROP TABLE notes"
    _, note = call(app, "POST /notes", body={"text": text})
    assert call(app, "GET /notes/{id}", id=note["id"])[1]["text"] == text


def test_everybody_has_notes_of_their_own(app):
    _, note = call(app, "POST /notes", body={"text": "ada's"}, sub="ada")
    assert call(app, "GET /notes", sub="bob")[1] == {"notes": []}
    for method in ("GET", "PUT", "DELETE"):
        assert (
            call(app, f"{method} /notes/{{id}}", id=note["id"], body={"text": "bob's"}, sub="bob")[0] == 404
        )
    assert call(app, "GET /notes/{id}", id=note["id"], sub="ada") == (200, note)


def test_a_route_without_an_authorizer_shows_nobodys_notes(app):
    with pytest.raises(KeyError):
        app.handler({"version": "2.0", "routeKey": "GET /notes", "requestContext": {}}, None)
