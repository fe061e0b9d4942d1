"""The repository's own routes.yaml with its notes API, as `make run` serves it, for people who have signed up."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.mail_server import MailServer
from tests.support.observed import function_log, wait_until
from tests.support.person import Person
from tests.support.sample import ROOT, sample
from tests.support.server import RunningServer

pytestmark = pytest.mark.xdist_group("notes-sample")

POSTS = 20


@dataclass(frozen=True)
class Notes:
    """The server, and two people's access tokens."""

    server: RunningServer
    ada: str
    bob: str


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notes]:
    folder = tmp_path_factory.mktemp("notes")
    with (
        MailServer() as mail,
        sample(folder, smtp_port=mail.port) as site,
        RunningServer(site.config, site.state, inherited=site.sockets) as server,
        Person(site, "ada@example.com") as ada,
        Person(site, "bob@example.com") as bob,
    ):
        for person in (ada, bob):
            person.sign_up(lambda: mail.arrived().code)
        yield Notes(server, ada.log_in()["access_token"], bob.log_in()["access_token"])


@pytest.fixture
def server(notes: Notes) -> RunningServer:
    return notes.server


@pytest.fixture
def client(notes: Notes) -> Iterator[httpx.Client]:
    with connect(notes.server, notes.ada) as client:
        yield client


def connect(server: RunningServer, token: str | None) -> httpx.Client:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=server.gateway, headers=headers, trust_env=False, timeout=15)


def test_a_note_can_be_written_read_changed_listed_and_deleted(client: httpx.Client) -> None:
    created = client.post("/notes", json={"text": "buy milk é"})
    note = created.json()
    assert (created.status_code, note["text"]) == (201, "buy milk é")
    assert created.headers["location"] == f"/notes/{note['id']}"
    assert created.headers["apigw-requestid"]
    place = created.headers["location"]
    assert client.get(place).json() == note
    changed = client.put(place, json={"text": "buy oat milk"})
    assert (changed.status_code, changed.json()) == (200, note | {"text": "buy oat milk"})
    assert note | {"text": "buy oat milk"} in client.get("/notes", params={"limit": 100}).json()["notes"]
    deleted = client.delete(place)
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = client.get(place)
    assert (gone.status_code, gone.json()) == (404, {"message": "There is no such note"})


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        pytest.param(("POST", "/notes", b"no json"), 400, "send JSON", id="no-json"),
        pytest.param(("GET", "/notes?limit=0", b""), 400, "limit must be", id="limit"),
        pytest.param(("DELETE", "/notes/absent", b""), 404, "There is no such note", id="absent"),
        pytest.param(("PATCH", "/notes/absent", b""), 404, "Not Found", id="method-without-a-route"),
        pytest.param(("GET", "/notes/", b""), 404, "Not Found", id="slash-at-the-end"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    client: httpx.Client, request_: tuple[str, str, bytes], status: int, message: str
) -> None:
    method, target, body = request_
    response = client.request(method, target, content=body)
    assert response.status_code == status
    assert message in response.json()["message"]
    assert response.headers["content-type"] == "application/json"


def test_notes_of_concurrent_requests_are_all_kept(notes: Notes, client: httpx.Client) -> None:
    def post(number: int) -> dict[str, Any]:
        with connect(notes.server, notes.ada) as own:
            response = own.post("/notes", json={"text": f"together {number}"})
            assert response.status_code == 201, response.text
            note: dict[str, Any] = response.json()
            return note

    with ThreadPoolExecutor(POSTS) as pool:
        written = list(pool.map(post, range(POSTS)))
    listed = client.get("/notes", params={"limit": 100}).json()["notes"]
    assert len({note["id"] for note in written}) == POSTS
    assert all(note in listed for note in written)
    wait_until(lambda: cold_starts(notes.server) > 1, "a second environment: nothing ran at the same time")


def test_nobody_sees_anybody_elses_notes(notes: Notes, client: httpx.Client) -> None:
    note = client.post("/notes", json={"text": "ada's"}).json()
    place = f"/notes/{note['id']}"
    with connect(notes.server, notes.bob) as bob:
        assert bob.get("/notes").json() == {"notes": []}
        answers = [bob.get(place), bob.put(place, json={"text": "bob's"}), bob.delete(place)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert client.get(place).json() == note


def test_without_a_token_of_the_pool_there_are_no_notes(notes: Notes) -> None:
    forged = notes.ada[:-8] + ("AAAAAAAA" if notes.ada[-8:] != "AAAAAAAA" else "BBBBBBBB")
    for token in (None, "no token", forged):
        with connect(notes.server, token) as stranger:
            refused = stranger.get("/notes")
            assert (refused.status_code, refused.json()) == (401, {"message": "Unauthorized"})
            assert stranger.get("/").status_code == 200


def cold_starts(server: RunningServer) -> int:
    return sum("Init Duration" in record.text for record in function_log(server, "notes"))


def test_the_page_is_the_file_with_a_validator(client: httpx.Client) -> None:
    page = client.get("/")
    file = ROOT / "examples" / "web" / "index.html"
    assert (page.status_code, page.content) == (200, file.read_bytes())
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["etag"]


def test_a_page_that_the_client_has_is_304_without_a_body(client: httpx.Client) -> None:
    page = client.get("/")
    again = client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == page.headers["etag"]
    other = client.get("/", headers={"if-none-match": '"other"'})
    assert other.status_code == 200


def test_head_of_a_route_of_its_own_answer_is_its_head_only(client: httpx.Client) -> None:
    """A route for GET is not one for HEAD, as in API Gateway."""
    head = client.head("/health")
    assert (head.status_code, head.content) == (404, b"")
    assert int(head.headers["content-length"]) == len(b'{"message":"Not Found"}')
    with_body = client.get("/health")
    assert (with_body.status_code, with_body.text) == (200, "ok")
    assert with_body.headers["content-type"] == "text/plain"


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_notes_and_tokens_outlive_the_server(tmp_path: Path) -> None:
    with MailServer() as mail, sample(tmp_path, smtp_port=mail.port) as site:
        with (
            RunningServer(site.config, site.state, inherited=site.sockets) as first,
            Person(site, "ada@example.com") as ada,
        ):
            ada.sign_up(lambda: mail.arrived().code)
            token = ada.log_in()["access_token"]
            with connect(first, token) as client:
                note = client.post("/notes", json={"text": "still here"}).json()
            keys = first.endpoints["secret_access_key"]
            assert first.stop() == 0
        with (
            RunningServer(site.config, site.state, inherited=site.sockets) as second,
            connect(second, token) as client,
        ):
            assert client.get(f"/notes/{note['id']}").json() == note
            assert client.post("/notes", json={"text": "one more"}).status_code == 201
            assert second.endpoints["secret_access_key"] == keys
