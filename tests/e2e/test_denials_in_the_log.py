"""What the operator sees of refused requests: a reason each, counted exactly, and nothing that a caller had sent."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gateway.errors import DENIAL_REASONS
from tests.support.jwt_door import BODIES, ask
from tests.support.jwt_world import rsa_key
from tests.support.observed import access_record, access_records, metrics, wait_until
from tests.support.plain_http import Reply, address_of, call
from tests.support.routes_file import copy_function, write_routes
from tests.support.running_issuer import RunningIssuer, running_issuer, with_kid
from tests.support.server import RunningServer

pytestmark = [pytest.mark.timeout(60), pytest.mark.xdist_group("denials")]

CANARY = f"canary{uuid4().hex}"
LOGGED = "user-that-may-be-logged"
SCOPES = ["notes/read"]
NO_MORE = {"rate": 0.001, "burst": 1}  # no token comes back while a test runs
# Wherever a secret may stand in a request, beside what the authorizer looks at.
EVERYWHERE = {"cookie": f"session={CANARY}", "x_api_key": CANARY, "proxy_authorization": CANARY}
QUERY = f"?access_token={CANARY}&code={CANARY}"


@dataclass(frozen=True)
class World:
    server: RunningServer
    issuer: RunningIssuer

    def token(self, **changes: Any) -> str:
        """Every claim but sub and those that must be right holds the canary."""
        planted = {
            "email": f"{CANARY}@example.com", "jti": CANARY, "name": {"given": CANARY}, "groups": [CANARY],
            "sub": LOGGED, "scope": f"notes/read {CANARY}", CANARY: True, "token_use": "access",
        }  # fmt: skip
        return self.issuer.token(**(planted | changes))

    def ask(self, path: str, *authorization: str, **headers: str) -> Reply:
        return ask(self.server, path + QUERY, *authorization, **(EVERYWHERE | headers))


@dataclass(frozen=True)
class Row:
    """One way to be refused.

    :param send: gives the reply. :param twin: differs in one thing (of the token, or the authorizer), and is accepted.
    """

    route: str
    status: int
    error: str
    send: Callable[[World], Reply]
    twin: Callable[[World], Reply]
    claims: Mapping[str, str | None] = field(default_factory=lambda: {"sub": None})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("denials")
    with (
        running_issuer() as issuer,
        running_issuer(is_there=False) as absent,
        RunningServer(configure(folder, issuer.url, absent.url), folder / "state") as server,
    ):
        yield World(server, issuer)


def configure(folder: Path, issuer: str, absent: str) -> Path:
    copy_function("echo", folder)
    copy_function("authorizers", folder)
    check: dict[str, Any] = {"code": "authorizers", "timeout": "5s"}
    functions = {
        "echo": {"code": "echo", "handler": "app.answers"},
        "simple": check | {"handler": "app.simple"},
        "throws": check | {"handler": "app.throws"},
        "hangs": check | {"handler": "app.hangs", "timeout": "1s"},
        "off": check | {"handler": "app.simple", "concurrency": {"reserved": 0}},
    }
    users = {"type": "jwt", "issuer": issuer, "audience": ["web"]}
    authorizers = {
        "users": users,
        "access": users | {"token_use": "access"},
        "absent": users | {"issuer": absent},
        **{
            name: {"type": "function", "function": name, "identity_source": ["$request.header.x-key"]}
            for name in ("simple", "throws", "hangs", "off")
        },
    }
    routes: dict[str, dict[str, Any]] = {f"GET /{name}": {"auth": name} for name in authorizers}
    routes |= {
        "GET /scoped": {"auth": "users", "scopes": SCOPES},
        "GET /once": {"auth": "users", "throttle": NO_MORE | {"by": "claim.sub"}},
    }
    return write_routes(
        folder,
        functions=functions,
        routes={key: route | {"function": "echo"} for key, route in routes.items()},
        authorizers=authorizers,
        server={"access_log": {"claims": ["sub"]}},
    )


def users(**changes: Any) -> Callable[[World], Reply]:
    return lambda world: world.ask("/users", f"Bearer {world.token(**changes)}")


def at(path: str, **changes: Any) -> Callable[[World], Reply]:
    return lambda world: world.ask(path, f"Bearer {world.token(**changes)}")


def key(path: str, value: str) -> Callable[[World], Reply]:
    return lambda world: world.ask(path, x_key=value)


def twice(world: World) -> Reply:
    """The second one of a caller who has one."""
    assert world.ask("/once", world.token(sub="spends")).status == 200
    return world.ask("/once", world.token(sub="spends"))


def jwt(error: str, send: Callable[[World], Reply]) -> Row:
    return Row("GET /users", 401, error, send, users())


OLD_S, LATE_S = 1_000_004_711, 9_999_994_711
ROWS = {
    "identity_missing": jwt("no token was sent", lambda world: world.ask("/users")),
    "identity_repeated": jwt(
        "more than one token was sent", lambda world: world.ask("/users", world.token(), f"Basic {CANARY}")
    ),
    "token_malformed": jwt(
        "the token is malformed", lambda world: world.ask("/users", f"Basic {CANARY}.{CANARY}.{CANARY}")
    ),
    "algorithm_refused": jwt(
        "the token does not have a valid algorithm",
        lambda world: world.ask("/users", world.issuer.headed(alg=CANARY)),
    ),
    "key_unknown": jwt(
        "the token does not have a known key id",
        lambda world: world.ask("/users", with_kid(world.token(), CANARY)),
    ),
    "signature_invalid": jwt(
        "signature is invalid",
        lambda world: world.ask("/users", with_kid(world.issuer.token(rsa_key("b"), sub=CANARY), "a")),
    ),
    "issuer_wrong": jwt("the token does not have a valid issuer", users(iss=CANARY)),
    "audience_wrong": jwt("the token does not have a valid audience", users(aud=CANARY)),
    "token_expired": jwt("the token has expired", users(exp=OLD_S)),
    "token_not_yet_valid": jwt("the token is not valid yet", users(nbf=LATE_S)),
    "claims_invalid": jwt("the token does not have valid claims", users(sub={"name": CANARY})),
    "token_use_wrong": Row(
        "GET /access", 401, "the token does not have a valid token use", at("/access", token_use=CANARY),
        at("/access"),
    ),
    "scope_insufficient": Row(
        "GET /scoped", 403, "the token does not have a required scope", at("/scoped", scope=CANARY), at("/scoped")
    ),
    "keys_unavailable": Row("GET /absent", 503, "There are no keys of the issuer", at("/absent"), users()),
    "authorizer_denied": Row(
        "GET /simple", 403, "simple: isAuthorized is false", key("/simple", CANARY), key("/simple", "good")
    ),
    "authorizer_failed": Row(
        "GET /throws", 500, "the function throws failed", key("/throws", "good"), key("/simple", "good")
    ),
    "authorizer_timeout": Row(
        "GET /hangs", 500, "the function hangs failed", key("/hangs", "good"), key("/simple", "good")
    ),
    "authorizer_saturated": Row(
        "GET /off", 503, "invoking off answered 429", key("/off", "good"), key("/simple", "good")
    ),
    "throttled": Row(
        "GET /once", 429, "throttled: rate 0.001, burst 1, by claim.sub", twice, at("/once", sub="has-one"),
        claims={"sub": "spends"},
    ),
}  # fmt: skip


def denials(server: RunningServer) -> Counter[tuple[str, str]]:
    """(route, reason) → how many."""
    found = Counter[tuple[str, str]]()
    for name, value in metrics(server).items():
        if name.startswith("lockgate_gateway_denials_total{"):
            reason, route = name.partition("{")[2].rstrip("}").split(",", 1)
            found[route.split('"')[1], reason.split('"')[1]] = int(value)
    return found


def test_there_is_a_row_for_each_reason() -> None:
    assert set(ROWS) == set(DENIAL_REASONS)


@pytest.mark.parametrize("reason", ROWS)
def test_a_denial_is_logged_and_counted_once(world: World, reason: str) -> None:
    """L1, L2, L3: its reason in the record and in one series, its cause in a fixed text."""
    row, before = ROWS[reason], denials(world.server)
    reply = row.send(world)
    assert (reply.status, reply.body) == (row.status, BODIES[row.status])
    record = access_record(world.server, reply.request_id)
    assert {name: record[name] for name in ("status", "denial", "routeKey")} == {
        "status": row.status, "denial": reason, "routeKey": row.route,
    }  # fmt: skip
    assert record["error.message"].startswith(row.error)
    if reason == "throttled":
        assert record["authorizer.error"] is None
    else:
        assert record["authorizer.error"] == record["error.message"]
    assert claims_of(record) == row.claims
    assert denials(world.server) - before == {(row.route, reason): 1}
    assert "4711" not in record["error.message"], "a time that the token says"
    accepted = row.twin(world)
    assert accepted.status == 200
    record = access_record(world.server, accepted.request_id)
    assert (record["denial"], record["error.message"]) == (None, None)
    assert denials(world.server) - before == {(row.route, reason): 1}


def claims_of(record: Mapping[str, Any]) -> dict[str, Any]:
    prefix = "authorizer.claims."
    return {name.removeprefix(prefix): value for name, value in record.items() if name.startswith(prefix)}


def test_of_the_claims_only_those_that_are_configured(world: World) -> None:
    """L2: beside the twin's; a Lambda authorizer has none."""
    known = access_record(world.server, at("/scoped")(world).request_id)
    assert claims_of(known) == {"sub": LOGGED}
    device = access_record(world.server, key("/simple", "good")(world).request_id)
    assert claims_of(device) == {"sub": None}


def test_nothing_that_was_sent_is_in_any_log(world: World) -> None:
    """L2: tokens whole or in part, other claims, other headers, queries: not in logs, not in metrics."""
    tokens = [world.token(), world.token(exp=OLD_S), with_kid(world.token(), CANARY)]
    for token in tokens:
        for path in ("/users", "/scoped", "/access", "/absent", "/once", "/simple", "/nowhere", "/users/.."):
            world.ask(path, f"Bearer {token}")
    for path in ("/simple", "/throws", "/hangs", "/off"):
        key(path, CANARY)(world)
    for reason in ROWS.keys() - {"throttled"}:
        ROWS[reason].send(world)
    access_record(world.server, users()(world).request_id)
    functions = world.server.state / "logs"
    wait_until(lambda: list(functions.rglob("*.jsonl")), "logs of functions")
    texts = {path.name: path.read_text() for path in functions.rglob("*.jsonl")}
    texts["metrics"] = call(address_of(world.server.endpoints["admin"]), "/metrics").body.decode()
    texts["stderr"] = world.server.stderr()
    secrets = {CANARY, *(part for token in tokens for part in token.split("."))}
    assert LOGGED in texts["stderr"]
    assert [(name, secret) for name, text in texts.items() for secret in secrets if secret in text] == []


def test_no_request_adds_a_series(world: World) -> None:
    """L3: invented keys, claims, paths, methods and API keys are counted where their like are."""
    sends: list[Callable[[str], Reply]] = [
        lambda word: world.ask("/users", with_kid(world.token(), word)),
        lambda word: world.ask("/users", world.token(iss=word, sub=word)),
        lambda word: world.ask(f"/{word}"),
        lambda word: world.ask("/simple", x_key=word),
        lambda word: ask(world.server, f"/users/{word}", method=word.upper()[:8]),
    ]
    for send in sends:
        send(uuid4().hex)
    before, counted = set(metrics(world.server)), denials(world.server)
    for _ in range(20):
        replies = [send(f"x{uuid4().hex}") for send in sends]
    access_record(world.server, replies[0].request_id)
    assert set(metrics(world.server)) == before
    assert denials(world.server) - counted == {
        ("GET /users", "key_unknown"): 20, ("GET /users", "issuer_wrong"): 20, ("GET /simple", "authorizer_denied"): 20,
    }  # fmt: skip
    wait_until(
        lambda: (
            {record["denial"] for record in access_records(world.server)} >= {"key_unknown", "issuer_wrong"}
        ),
        "their records",
    )
