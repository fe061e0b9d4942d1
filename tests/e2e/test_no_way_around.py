"""H8: whatever is written for a path or a method, a protected function is not reached without a token."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.jwt_door import ask, expect_refusal
from tests.support.observed import metrics
from tests.support.plain_http import call
from tests.support.raw_client import RawClient, statuses
from tests.support.routes_file import copy_function, write_routes
from tests.support.running_issuer import RunningIssuer, running_issuer
from tests.support.server import RunningServer

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("no-way-around")]

FUZZED = 1500  # requests a server: some seconds
MARK = b"inside-the-guarded-function"
OPEN: dict[str, Any] = {"public": True, "respond": {"body": "open"}}
SHUT: dict[str, Any] = {"auth": "users", "function": "guarded"}
# Each protected route has open neighbours that a trick might be taken for, or the other way round.
ROUTES = {
    "GET /admin": SHUT, "ANY /any": SHUT, "GET /files/secret": SHUT, "GET /files/{name+}": OPEN, "GET /users/me": SHUT,
    "GET /users/{id}": OPEN, "POST /items": SHUT, "GET /items": OPEN, "ANY /tree/{name+}": SHUT, "GET /tree/open": OPEN,
    "GET /s/": SHUT, "GET /s": OPEN, "HEAD /head": SHUT, "GET /head": OPEN, "ANY /both": SHUT, "OPTIONS /both": OPEN,
}  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
UNKNOWN_METHODS = ("PROPFIND", "LINK", "PURGE", "SEARCH")
PATHS = ("/admin", "/any", "/files/secret", "/users/me", "/items", "/tree/a/b", "/s/", "/head", "/both", "/x")
SLASHES = ("//", "/./", "/../", "/%2e/", "/%2E%2e/", "/..;/", "%2f", "%2F", "%5c", "\\", "/;x=1/", "%252f")
ENDS = (
    "/", "//", "/.", "/..", "%20", "%00", "%0d%0a", ";", ";a=b", ".json", "?", "?x=1", "#", "%3F", "%23", "%",
    "%zz", "\t", "\x00", "%C0%AF", "%E2%80%AE", "é", "*", "/%2e%2e/admin", "/..%2fadmin",
)  # fmt: skip
# What servers and frameworks are known to route by instead of the request line.
HEADERS = (
    "", "x-original-url: /admin", "x-rewrite-url: /any", "x-http-method-override: GET", "x-forwarded-prefix: /admin",
    "x-forwarded-uri: /any", "authorization: Bearer", "authorization: Basic YTph", "x-amzn-oidc-data: a.b.c",
    "cookie: authorization=Bearer a.b.c", "x-apigateway-event: {}", "connection: authorization",
)  # fmt: skip


@pytest.fixture(scope="module")
def issuer() -> Iterator[RunningIssuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module", params=["default-is-open", "default-is-shut"])
def server(
    request: pytest.FixtureRequest, issuer: RunningIssuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("around")
    default = {"$default": OPEN if request.param == "default-is-open" else SHUT}
    with RunningServer(configure(folder, issuer.url, default), folder / "state") as running:
        yield running


def configure(folder: Path, issuer: str, default: dict[str, Any]) -> Path:
    copy_function("echo", folder)
    app = folder / "echo" / "app.py"
    answer = {"statusCode": 200, "headers": {"x-mark": MARK.decode()}, "body": MARK.decode()}
    app.write_text(f"def guarded(event, _context):\n    return {answer}\n")
    return write_routes(
        folder,
        functions={"guarded": {"code": "echo", "handler": "app.guarded"}},
        routes=ROUTES | default,
        authorizers={"users": {"type": "jwt", "issuer": issuer, "audience": ["web"]}},
        stages={"$default": {}, "beta": {}},
    )


def answer_to(server: RunningServer, request: str) -> bytes:
    """:param request: its head, without the last empty line; ISO 8859-1."""
    with RawClient(
        server.gateway_address, request.encode("latin-1") + b"connection: close\r\n\r\n"
    ) as client:
        return client.rest()


def head(method: str, target: str, *lines: str) -> str:
    return "\r\n".join((f"{method} {target} HTTP/1.1", "host: a", *filter(None, lines), ""))


def entered(server: RunningServer) -> float:
    """How often the guarded function has been run."""
    found = metrics(server)
    return sum(value for name, value in found.items() if name.startswith("lockgate_invocations_total{"))


def tricks() -> Iterator[tuple[str, str, str]]:
    """Method, target, header line; always the same ones."""
    rand = random.Random(8)  # a choice of examples
    for _ in range(FUZZED):
        path = rand.choice(PATHS)
        for _ in range(rand.randint(0, 2)):
            path = rand.choice((slashed, ended, cased, encoded, staged))(path, rand)
        yield rand.choice(METHODS + UNKNOWN_METHODS), path, rand.choice(HEADERS)


def slashed(path: str, rand: random.Random) -> str:
    places = [place for place, character in enumerate(path) if character == "/"] or [0]
    place = rand.choice(places)
    return path[:place] + rand.choice(SLASHES) + path[place + 1 :]


def ended(path: str, rand: random.Random) -> str:
    return path + rand.choice(ENDS)


def cased(path: str, rand: random.Random) -> str:
    return "".join(rand.choice((character, character.upper())) for character in path)


def encoded(path: str, rand: random.Random) -> str:
    place = rand.randrange(len(path))
    return f"{path[:place]}%{ord(path[place]):02{rand.choice('xX')}}{path[place + 1 :]}"


def staged(path: str, rand: random.Random) -> str:
    return rand.choice(("/beta", "//beta", "/beta/", "/%62eta", "/BETA", "/$default", "http://a")) + path


def test_no_trick_reaches_it(server: RunningServer, issuer: RunningIssuer) -> None:
    """H7, H8: and what a token opens is 401 without one, however it was written."""
    opened, seen = Counter[str](), Counter[int]()
    bearer = f"authorization: {issuer.token()}"
    before = entered(server)
    for method, target, line in tricks():
        request = head(method, target, line)
        answer = answer_to(server, request)
        assert MARK not in answer, (request, answer)
        seen.update(statuses(answer) or [0])
        if statuses(answer) == [401] and not line.startswith("authorization"):
            known = answer_to(server, head(method, target, line, bearer))
            assert statuses(known) == [200], (request, known)
            opened[method] += 1
            before += 1
    assert entered(server) == before, "requests without a token have run the function"
    assert {200, 400, 401, 404} <= seen.keys()
    assert min(opened.get(method, 0) for method in METHODS) > 0


@pytest.mark.parametrize("path", ["/any", "/tree/a", "/tree/a//b", "/beta/any"])
def test_every_method_of_an_any_route(server: RunningServer, issuer: RunningIssuer, path: str) -> None:
    """H8: HEAD and OPTIONS too; methods that a route key cannot have are 404 for everybody."""
    for method in METHODS:
        refused = ask(server, path, method=method)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert ask(server, path, issuer.token(), method=method).headers["x-mark"] == MARK.decode()
    for method in UNKNOWN_METHODS:
        assert ask(server, path, method=method).status == 404
        assert ask(server, path, issuer.token(), method=method).status == 404
    for method in ("TRACE", "CONNECT"):
        assert ask(server, path, issuer.token(), method=method).status in (400, 405, 501)


@pytest.mark.parametrize(
    ("shut", "opened"),
    [
        ("GET /users/me", "GET /users/you"),
        ("GET /files/secret", "GET /files/secret/"),
        ("POST /items", "GET /items"),
        ("GET /tree/open/x", "GET /tree/open"),
        ("POST /tree/open", "GET /tree/open"),
        ("GET /s/", "GET /s"),
        ("HEAD /head", "GET /head"),
        ("GET /both", "OPTIONS /both"),
        ("GET /%61dmin", "GET /users/%6De2"),
        ("GET /beta/admin", "GET /beta/items"),
    ],
)
def test_the_route_that_is_chosen_decides(
    server: RunningServer, issuer: RunningIssuer, shut: str, opened: str
) -> None:
    """H8: no prefix, no neighbour: the authorizer hangs on the very route."""
    method, path = shut.split(" ")
    refused = ask(server, path, method=method)
    if method == "HEAD":
        assert refused.status == 401
    else:
        expect_refusal(server, refused, 401, "identity_missing", "Bearer")
    assert ask(server, path, issuer.token(), method=method).headers["x-mark"] == MARK.decode()
    method, path = opened.split(" ")
    assert ask(server, path, method=method).status == 200


def test_a_token_counts_for_its_own_request_only(server: RunningServer, issuer: RunningIssuer) -> None:
    """H8, J14: not for the next one on the connection, nor for what stands in another one's body."""
    bearer = f"authorization: {issuer.token()}"
    known, stranger = head("GET", "/any", bearer) + "\r\n", head("GET", "/any") + "\r\n"
    assert statuses(answer_to(server, known + stranger + head("GET", "/any", bearer))) == [200, 401, 200]
    hidden = known * 3
    for length in (f"content-length: {len(hidden)}", "transfer-encoding: chunked"):
        framed = hidden if "length" in length else f"{len(hidden):x}\r\n{hidden}\r\n0\r\n\r\n"
        refused = head("POST", "/any", length) + "\r\n" + framed
        assert set(statuses(answer_to(server, refused + head("GET", "/any")))) == {401}
        accepted = head("POST", "/any", length, bearer) + "\r\n" + framed
        assert statuses(answer_to(server, accepted + head("GET", "/any"))) == [200, 401]


def test_the_default_route(server: RunningServer, issuer: RunningIssuer) -> None:
    """H8: where it has an authorizer, nothing is behind it that has none."""
    is_shut = call(server.gateway_address, "/nowhere").status == 401
    for method in METHODS:
        for path in ("/nowhere", "/ADMIN", "/admin/", "//admin", "/admin;x", "/"):
            reply = ask(server, path, method=method)
            assert (reply.status, "x-mark" in reply.headers) == (401 if is_shut else 200, False)
    known = ask(server, "/nowhere", issuer.token())
    assert (known.status, "x-mark" in known.headers) == (200, is_shut)
