"""JWT authorizers: real tokens of two issuers decide through a real gateway, and a real function is told the claims."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.jwt_door import ask, authorizer_of, expect_refusal, invalid
from tests.support.jwt_world import compact, ec_key, make_token, rsa_key
from tests.support.observed import access_record
from tests.support.plain_http import Reply, call
from tests.support.routes_file import copy_function, write_routes
from tests.support.running_issuer import RunningIssuer, running_issuer, with_kid
from tests.support.server import RunningServer

APP = "https://app.example.com"
SCOPES = ["notes/read", "notes/admin"]
AUDIENCE_WRONG = ("audience_wrong", "the token does not have a valid audience")
CLAIMS_INVALID = ("claims_invalid", "the token does not have valid claims")
EXPIRED = ("token_expired", "the token has expired")
MALFORMED = ("token_malformed", "the token is malformed")
SEGMENTS = ("token_malformed", "token contains an invalid number of segments")

pytestmark = [pytest.mark.timeout(60), pytest.mark.xdist_group("jwt-authorizer")]


@dataclass(frozen=True)
class World:
    server: RunningServer
    users: RunningIssuer
    partner: RunningIssuer

    def get(self, path: str, *authorization: str, **headers: str) -> Reply:
        return ask(self.server, path, *authorization, **headers)

    def refused(
        self, reply: Reply, denial: str, description: str, *, status: int = 401, scopes: str = ""
    ) -> None:
        challenge = invalid(description, scopes)
        if status == 403:
            challenge = challenge.replace("invalid_token", "insufficient_scope")
        expect_refusal(self.server, reply, status, denial, challenge)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("jwt")
    with running_issuer() as users, running_issuer(ec_key("p")) as partner:
        config = configure(folder, users.url, partner.url)
        with RunningServer(config, folder / "state") as server:
            yield World(server, users, partner)


def configure(folder: Path, users: str, partner: str) -> Path:
    copy_function("echo", folder)
    common = {"type": "jwt", "issuer": users, "audience": ["web", "mobile"]}
    authorizers = {
        "users": common,
        "partner": common | {"issuer": partner, "algorithms": ["ES256"], "leeway": "30s"},
        "query": common | {"identity_source": "$request.querystring.token"},
        "header": common | {"identity_source": "$request.header.X-Token"},
        "access": common | {"token_use": "access"},
    }
    routes: dict[str, dict[str, Any]] = {f"ANY /{name}": {"auth": name} for name in authorizers}
    routes |= {
        "GET /users/scoped": {"auth": "users", "scopes": SCOPES},
        "GET /users/old": {"auth": "users", "payload": "1.0"},
        "GET /users/old/scoped": {"auth": "users", "scopes": SCOPES, "payload": "1.0"},
    }
    return write_routes(
        folder,
        functions={"echo": {"code": "echo", "handler": "app.answers"}},
        routes={key: route | {"function": "echo"} for key, route in routes.items()},
        authorizers=authorizers,
        cors={
            "allow_origins": [APP],
            "allow_methods": ["GET"],
            "allow_headers": ["authorization", "x-token"],
        },
        server={"access_log": {"claims": ["sub", "odd"]}},
    )


def test_claims_reach_the_function_as_text(world: World) -> None:
    """As API Gateway hands them on: Go's way of writing, not JSON."""
    said: dict[str, Any] = {
        "email_verified": True, "level": 7, "ratio": 0.5, "groups": ["admin", "power user"], "one": ["admin"],
        "place": {"zip": 1, "city": "Oslo"}, "nothing": None, "none": [],
    }  # fmt: skip
    claims = world.users.claims() | said  # a claim that is null stays in the token
    told = {
        "iss": world.users.url, "aud": "web", "sub": "user-1", "scope": "notes/read notes/write",
        "iat": str(claims["iat"]), "exp": str(claims["exp"]), "email_verified": "true", "level": "7",
        "ratio": "0.5", "groups": "[admin power user]", "one": "[admin]", "place": "map[city:Oslo zip:1]",
        "none": "[]",
    }  # fmt: skip
    token = make_token(world.users.key, claims)
    every = ["notes/read", "notes/write"]
    assert authorizer_of(world.get("/users", token)) == {"jwt": {"claims": told, "scopes": None}}
    assert authorizer_of(world.get("/users/scoped", token)) == {"jwt": {"claims": told, "scopes": every}}
    assert authorizer_of(world.get("/users/old", token)) == {"claims": told, "scopes": None}
    assert authorizer_of(world.get("/users/old/scoped", token)) == {"claims": told, "scopes": every}


def test_strange_claims_split_nothing(world: World) -> None:
    """L1: in the event they are JSON, in the log a value; log_lines fails on a line that is none."""
    odd = 'a\r\nset-cookie: x=1\r\n\r\n{"status":200}\x00"\\\u2028\u202e\x9b\U0001f600é'
    token = world.users.token(odd=odd, **{odd: odd, "": "empty name"})
    reply = world.get("/users", token)
    told = authorizer_of(reply)["jwt"]["claims"]
    assert (told["odd"], told[odd], told[""]) == (odd, odd, "empty name")
    assert "set-cookie" not in reply.headers
    record = expect_accepted(world, reply)
    assert record["authorizer.claims.odd"] == odd.encode("unicode_escape").decode()
    assert record["authorizer.claims.sub"] == "user-1"
    refused = world.get("/users", world.users.token(iss=odd, odd=odd))
    world.refused(refused, "issuer_wrong", "the token does not have a valid issuer")
    assert "set-cookie" not in refused.headers


def test_half_a_surrogate_pair_is_no_text(world: World) -> None:
    """J8: a function would be told what no UTF-8 can hold. The twin has both halves."""
    halves = r'{"iss":"%s","aud":"web","exp":%d,"odd":"\ud83d%s"}'
    after = int(time.time()) + 60
    whole, half = (halves % (world.users.url, after, second) for second in (r"\ude00", ""))
    head = b'{"alg":"RS256","kid":"a"}'
    key = world.users.key
    good = world.get("/users", compact(key, head, whole.encode()))
    assert authorizer_of(good)["jwt"]["claims"]["odd"] == "\U0001f600"
    world.refused(world.get("/users", compact(key, head, half.encode())), *MALFORMED)


@pytest.mark.parametrize(
    ("path", "bad", "good", "refusal"),
    [
        pytest.param("/users", {"aud": "other"}, {"aud": "mobile"}, AUDIENCE_WRONG, id="aud"),
        pytest.param("/users", {"aud": ["a", "we"]}, {"aud": ["a", "web"]}, AUDIENCE_WRONG, id="aud-list"),
        pytest.param("/users", {"aud": "other", "client_id": "web"}, {"aud": None, "client_id": "web"},
                     AUDIENCE_WRONG, id="client_id-beside-aud"),
        pytest.param("/users", {"aud": None, "client_id": "x"}, {"aud": None, "client_id": "mobile"},
                     AUDIENCE_WRONG, id="client_id"),
        pytest.param("/users", {"aud": None}, {}, AUDIENCE_WRONG, id="no-aud"),
        pytest.param("/users", {"exp": None}, {}, CLAIMS_INVALID, id="no-exp"),
        pytest.param("/users", {"exp": "9999999999"}, {"exp": 9999999999}, CLAIMS_INVALID, id="exp-is-text"),
        pytest.param("/users", {"cnf": {"jkt": "x"}}, {"conf": {"jkt": "x"}}, CLAIMS_INVALID, id="bound"),
        pytest.param("/access", {"token_use": "id"}, {"token_use": "access"},
                     ("token_use_wrong", "the token does not have a valid token use"), id="token_use"),
    ],
)  # fmt: skip
def test_a_claim_decides(
    world: World, path: str, bad: dict[str, Any], good: dict[str, Any], refusal: tuple[str, str]
) -> None:
    """J9, J11, J13: the twin differs in this claim only."""
    world.refused(world.get(path, world.users.token(**bad)), *refusal)
    assert world.get(path, world.users.token(**good)).status == 200


@pytest.mark.parametrize("path", ["/users", "/partner"])
def test_leeway(world: World, path: str) -> None:
    """J9: 30 s to both sides where it is configured, none elsewhere."""
    issuer = world.users if path == "/users" else world.partner
    now = int(time.time())
    not_yet = ("token_not_yet_valid", "the token is not valid yet")
    ahead = (("exp", -15, -45, EXPIRED), ("nbf", 15, 45, not_yet), ("iat", 15, 45, not_yet))
    for name, near_s, far_s, refusal in ahead:
        near = world.get(path, issuer.token(**{name: now + near_s}))
        if path == "/partner":
            assert near.status == 200
        else:
            world.refused(near, *refusal)
        world.refused(world.get(path, issuer.token(**{name: now + far_s})), *refusal)


def test_id_and_access_tokens_of_a_user_pool(world: World) -> None:
    """As on AWS: one by its aud, one by its client_id; only the one with scopes opens a scoped route."""
    access = world.users.token(aud=None, client_id="web", token_use="access", scope="notes/admin x")
    identity = world.users.token(scope=None, token_use="id", email="a@example.com")
    assert world.get("/users", access).status == world.get("/users", identity).status == 200
    assert authorizer_of(world.get("/users/scoped", access))["jwt"]["scopes"] == ["notes/admin", "x"]
    scopes = " ".join(SCOPES)
    missing = ("scope_insufficient", "the token does not have a required scope")
    world.refused(world.get("/users/scoped", identity), *missing, status=403, scopes=scopes)


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ({"scope": "notes/reader"}, {"scope": "notes/read"}),
        ({"scope": "NOTES/READ"}, {"scope": "x notes/admin"}),
        ({"scope": "a,notes/read"}, {"scope": "a notes/read"}),
        ({"scope": None, "scp": ["x"]}, {"scope": None, "scp": ["x", "notes/read"]}),
        ({"scope": ["notes/read"]}, {"scope": None, "scp": "x notes/read"}),
    ],
)
def test_scopes(world: World, bad: dict[str, Any], good: dict[str, Any]) -> None:
    """J12: exact words, any one of them; else 403 that says which. The same token opens a route without scopes."""
    token = world.users.token(**bad)
    missing = ("scope_insufficient", "the token does not have a required scope")
    world.refused(world.get("/users/scoped", token), *missing, status=403, scopes=" ".join(SCOPES))
    assert world.get("/users", token).status == 200
    assert world.get("/users/scoped", world.users.token(**good)).status == 200


def test_an_expired_token_is_401_on_a_scoped_route_too(world: World) -> None:
    """J12: 403 is for those who are known."""
    old = world.users.token(exp=int(time.time()) - 1, scope="x")
    world.refused(world.get("/users/scoped", old), *EXPIRED, scopes=" ".join(SCOPES))


def test_a_token_of_the_other_issuer(world: World) -> None:
    """J3, J10: each route knows its own issuer only, whatever a token says of itself."""
    ours, theirs = world.users.token(), world.partner.token()
    algorithm = ("algorithm_refused", "the token does not have a valid algorithm")
    world.refused(world.get("/partner", ours), *algorithm)
    world.refused(world.get("/users", theirs), *algorithm)
    assert world.get("/users", ours).status == world.get("/partner", theirs).status == 200
    borrowed = world.users.token(iss=world.partner.url)
    world.refused(world.get("/users", borrowed), "issuer_wrong", "the token does not have a valid issuer")
    slash = world.users.token(iss=f"{world.users.url}/")
    world.refused(world.get("/users", slash), "issuer_wrong", "the token does not have a valid issuer")


def test_what_is_wrong_with_the_token_itself(world: World) -> None:
    """J1, J3, J5, J6: each beside a token that is right but for that."""
    good, unsupported = world.users.token(), ("token_malformed", "the token header is not supported")
    head, payload, signature = good.split(".")
    stranger = rsa_key("stranger")
    cases = [
        (f"{head}.{payload}", *SEGMENTS),
        (f"{good}.{signature}.x", *SEGMENTS),
        (f"{good}=", *MALFORMED),
        (f"{head}.{payload}.", *MALFORMED),
        (world.users.headed(crit=["exp"]), *unsupported),
        (world.users.headed(typ="secevent+jwt"), *unsupported),
        (world.users.headed(alg="none"), "algorithm_refused", "the token does not have a valid algorithm"),
        (world.users.headed(kid=None), "key_unknown", "the token does not have a known key id"),
        (with_kid(good, "A"), "key_unknown", "the token does not have a known key id"),
        (with_kid(world.users.token(stranger), "a"), "signature_invalid", "signature is invalid"),
        (good + "A" * 8192, "token_malformed", "the token is too large"),
    ]
    for token, denial, description in cases:
        world.refused(world.get("/users", f"Bearer {token}"), denial, description)
    for token in (good, world.users.headed(), world.users.headed(typ="at+jwt"), world.users.headed(typ=None)):
        assert world.get("/users", f"Bearer {token}").status == 200


def test_the_authorization_header(world: World) -> None:
    """J14: one header with one token, with or without its scheme."""
    token = world.users.token()
    for value in (token, f"Bearer {token}", f"bearer {token}", f"bEaReR {token}", f"BEARER  {token}"):
        assert world.get("/users", value).status == 200
    repeated = ("identity_repeated", "more than one token was sent")
    for second in (f"Bearer {token}", "", "Basic dTpw"):
        world.refused(world.get("/users", f"Bearer {token}", second), *repeated)
        world.refused(world.get("/users", second, f"Bearer {token}"), *repeated)
    for value in (f"Bearer {token}, Bearer {token}", f"{token},{token}"):
        world.refused(world.get("/users", value), *SEGMENTS)
    for value in ("Basic dTpw", "Bearer null", f"Basic {token}".split(".")[0]):
        world.refused(world.get("/users", value), *SEGMENTS)
    for value in (f"Basic {token}", f"Bearer\t{token}", f'Bearer "{token}"', f"Bearer {token},"):
        world.refused(world.get("/users", value), *MALFORMED)
    for values in ((), ("",), ("Bearer",), ("bearer  ",)):
        expect_refusal(world.server, world.get("/users", *values), 401, "identity_missing", "Bearer")


def test_a_token_counts_at_its_place_only(world: World) -> None:
    """J14: query and other headers where they are configured, and nowhere else."""
    token = world.users.token()
    places: dict[str, dict[str, Any]] = {
        "/users": {"authorization": token},
        "/query": {"query": f"?a=1&token={token}"},
        "/header": {"x_token": f"Bearer {token}"},
    }
    for path in places:
        for of, place in places.items():
            sent = dict(place)
            reply = world.get(path + str(sent.pop("query", "")), **sent)
            if of == path:
                assert reply.status == 200
            else:
                expect_refusal(world.server, reply, 401, "identity_missing", "Bearer")
    for query in (f"token={token}&token={token}", f"token={token}&t%6Fken=x"):
        world.refused(world.get(f"/query?{query}"), "identity_repeated", "more than one token was sent")
    expect_refusal(world.server, world.get(f"/query?Token={token}"), 401, "identity_missing", "Bearer")


def test_a_page_of_another_origin(world: World) -> None:
    """H17: the preflight passes without a token, and a refusal can be read."""
    asks = {
        "origin": APP,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }
    preflight = call(world.server.gateway_address, "/users", method="OPTIONS", headers=asks)
    assert (preflight.status, preflight.body) == (204, b"")
    plain = ask(world.server, "/users", method="OPTIONS", origin=APP)
    scoped = world.get("/users/scoped", world.users.token(scope="x"), origin=APP)
    accepted = world.get("/users", world.users.token(), origin=APP)
    assert (plain.status, scoped.status, accepted.status) == (401, 403, 200)
    for reply in (preflight, plain, scoped, accepted):
        assert reply.headers["access-control-allow-origin"] == APP
    assert plain.headers["www-authenticate"] == "Bearer"
    foreign = world.get("/users", origin="https://evil.example.net")
    assert (foreign.status, foreign.headers.get("access-control-allow-origin")) == (401, None)


def expect_accepted(world: World, reply: Reply) -> dict[str, Any]:
    record = access_record(world.server, reply.request_id)
    assert (record["status"], record["denial"], record["authorizer.error"]) == (200, None, None)
    return record
