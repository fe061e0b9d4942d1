"""The gate of a route: where the token is, what is told to whom, and what is remembered."""

import asyncio
import json

import pytest

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.errors import AccessDenied, AuthorizerUnavailable, BadRequest, Denial, Unauthorized
from gateway.selection import Selection
from kit.jwt.refusal import REFUSALS
from tests.support.gateway_harness import build
from tests.support.jwt_world import (
    ISSUER,
    NOW_S,
    FakeKeys,
    claims,
    ec_key,
    header,
    jwks,
    make_token,
    request_with,
    rsa_key,
    spec,
)

TOKEN = make_token()
QUERY = Selection.parse("$request.querystring.token")


def world(**changes: object) -> tuple[JwtAuthorizer, FakeKeys]:
    keys = FakeKeys(rsa_key("a"), rsa_key("b"))
    return JwtAuthorizer(spec(**changes), keys), keys


# --- where the token is


@pytest.mark.parametrize(
    "value", [TOKEN, f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER {TOKEN}", f"Bearer   {TOKEN}"]
)
async def test_raw_token_or_bearer(value: str) -> None:
    """J14: as API Gateway takes it."""
    authorizer, _ = world()
    assert await authorizer.for_route(()).authorize(request_with(value))


@pytest.mark.parametrize("values", [(), ("",), ("Bearer",), ("Bearer ",), ("bearer   ",)])
async def test_no_token(values: tuple[str, ...]) -> None:
    """J14: what is no token at the place is none, and the answer says what is wanted."""
    authorizer, _ = world()
    with pytest.raises(Unauthorized) as refused:
        await authorizer.for_route(("a",)).authorize(request_with(*values))
    assert refused.value.reason == "identity_missing"
    assert refused.value.headers == ((b"www-authenticate", b"Bearer"),)


async def test_two_authorization_headers() -> None:
    """J14: refused, also when both are the same; one alone is accepted."""
    authorizer, _ = world()
    gate = authorizer.for_route(())
    for second in (f"Bearer {TOKEN}", "Bearer x", "", "Basic dTpw"):
        with pytest.raises(Unauthorized) as refused:
            await gate.authorize(request_with(f"Bearer {TOKEN}", second))
        assert refused.value.reason == "identity_repeated"
    assert await gate.authorize(request_with(f"Bearer {TOKEN}"))


@pytest.mark.parametrize(
    "place",
    [
        {"query": f"token={TOKEN}"},
        {"query": f"access_token={TOKEN}"},
        {"cookie": f"Authorization={TOKEN}"},
        {"x_authorization": f"Bearer {TOKEN}"},
        {"proxy_authorization": f"Bearer {TOKEN}"},
    ],
)
async def test_a_token_elsewhere_does_not_count(place: dict[str, str]) -> None:
    """J14: only the configured place."""
    authorizer, _ = world()
    with pytest.raises(Unauthorized) as refused:
        await authorizer.for_route(()).authorize(request_with(**place))
    assert refused.value.reason == "identity_missing"
    assert await authorizer.for_route(()).authorize(request_with(TOKEN, **place))


async def test_another_place_can_be_configured() -> None:
    """J14: then the Authorization header does not count, and a repeated parameter is refused."""
    authorizer, _ = world(identity_source=QUERY)
    gate = authorizer.for_route(())
    assert await gate.authorize(request_with(query=f"x=1&token={TOKEN}"))
    for query, reason in (
        ("", "identity_missing"),
        ("token=", "identity_missing"),
        (f"Token={TOKEN}", "identity_missing"),
        (f"token={TOKEN}&token={TOKEN}", "identity_repeated"),
        (f"token=&token={TOKEN}", "identity_repeated"),
        (f"token={TOKEN}&t%6fken=x", "identity_repeated"),
    ):
        with pytest.raises(Unauthorized) as refused:
            await gate.authorize(request_with(TOKEN, query=query))
        assert refused.value.reason == reason
    with pytest.raises(BadRequest):
        await gate.authorize(request_with(query="&".join(["a=1"] * 1001)))


# --- what is told


async def test_claims_of_an_unscoped_route() -> None:
    """Claims are text; scopes are null even if the token has some."""
    token = make_token(payload=claims(**{"cognito:groups": ["admin", "x"], "ok": True, "n": 1.5}))
    authorizer, _ = world()
    found = await authorizer.for_route(()).authorize(request_with(token))
    texts = {
        "iss": ISSUER,
        "aud": "client-1",
        "sub": "user-1",
        "iat": str(NOW_S - 10),
        "exp": str(NOW_S + 3600),
        "scope": "notes/read notes/write",
        "cognito:groups": "[admin x]",
        "ok": "true",
        "n": "1.5",
    }
    assert found.v2 == {"jwt": {"claims": texts, "scopes": None}}
    assert found.v1 == {"claims": texts, "scopes": None}
    assert found.values == {f"claims.{name}": text for name, text in texts.items()}


async def test_scopes_of_a_scoped_route_are_all_of_the_token() -> None:
    """J12: any one is enough, and the function is told the full list."""
    authorizer, _ = world()
    found = await authorizer.for_route(("x", "notes/write")).authorize(request_with(TOKEN))
    assert found.v1["scopes"] == ["notes/read", "notes/write"]
    assert found.v2 == {"jwt": found.v1}


async def test_missing_scope_is_403_and_says_which() -> None:
    """J12."""
    authorizer, _ = world()
    with pytest.raises(AccessDenied) as refused:
        await authorizer.for_route(("notes/admin", "x")).authorize(request_with(TOKEN))
    assert refused.value.status == 403
    assert refused.value.headers == (
        (
            b"www-authenticate",
            b'Bearer scope="notes/admin x" error="insufficient_scope" '
            b'error_description="the token does not have a required scope"',
        ),
    )


async def test_nothing_of_a_token_reaches_a_header() -> None:
    """J8, H18: neither claims with line ends nor a kid."""
    bad = "x\r\nset-cookie: a=1\r\n\r\n"
    authorizer, _ = world()
    tokens = [
        make_token(payload=claims(iss=bad)),
        make_token(payload=claims(aud=bad)),
        make_token(payload=claims(scope=bad)),
        make_token(payload={**claims(), "exp": bad}),
        make_token(head=header(rsa_key(), kid=bad)),
        make_token(head=header(rsa_key(), alg=bad)),
        make_token(head=header(rsa_key(), typ=bad)),
    ]
    for token in tokens:
        with pytest.raises(Denial) as refused:
            await authorizer.for_route(("a",)).authorize(request_with(token))
        [(_, value)] = refused.value.headers
        assert b"cookie" not in value
        assert not any(byte < 0x20 for byte in value)


# --- keys


async def test_an_unknown_kid_waits_for_the_next_fetch() -> None:
    new = rsa_key("new")
    keys = FakeKeys(rsa_key(), later=[new])
    gate = JwtAuthorizer(spec(), keys).for_route(())
    assert await gate.authorize(request_with(make_token(new)))
    assert keys.found == ["new"]
    await gate.authorize(request_with(TOKEN))
    assert keys.found == ["new"]


@pytest.mark.parametrize(
    "token",
    [
        make_token(head=header(rsa_key(), kid=None)),
        make_token(head=header(rsa_key(), kid="k" * 257)),
        make_token(head=header(rsa_key(), kid="new", alg="HS256")),
        make_token(head=header(rsa_key(), kid="new", crit=["x"])),
        "x.y.z",
        make_token(head=header(rsa_key(), kid="new")).rpartition(".")[0] + ".",
    ],
)
async def test_no_fetch_is_caused_by_what_can_be_refused_before(token: str) -> None:
    """J4, J6, J15: also a token that names an address is no reason to fetch."""
    keys = FakeKeys(rsa_key())
    with pytest.raises(Unauthorized):
        await JwtAuthorizer(spec(), keys).for_route(()).authorize(request_with(token))
    assert keys.found == []
    other = make_token(head=header(rsa_key(), kid="new"))
    with pytest.raises(Unauthorized):
        await JwtAuthorizer(spec(), keys).for_route(()).authorize(request_with(other))
    assert keys.found == ["new"]


async def test_an_issuer_that_was_never_reached_is_503() -> None:
    """J15: not the token's fault."""
    keys = FakeKeys(unavailable=True)
    with pytest.raises(AuthorizerUnavailable) as refused:
        await JwtAuthorizer(spec(), keys).for_route(()).authorize(request_with(TOKEN))
    assert refused.value.status == 503


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
async def test_elliptic_curves(curve: str) -> None:
    """J1: where they are configured, and then nothing else is taken."""
    algorithms = ("ES256", "ES384", "ES512")
    pair = ec_key(curve, curve)
    gate = JwtAuthorizer(spec(algorithms=algorithms), FakeKeys(pair, algorithms=algorithms)).for_route(())
    assert await gate.authorize(request_with(make_token(pair)))
    with pytest.raises(Unauthorized) as refused:
        await gate.authorize(request_with(make_token(head=header(rsa_key(), kid=curve))))
    assert refused.value.reason == "algorithm_refused"


async def test_pss() -> None:
    """J1: where it is configured, PKCS #1 v1.5 is not taken."""
    algorithms = ("PS256", "PS384", "PS512")
    pair = rsa_key("pss", algorithm="PS384")
    gate = JwtAuthorizer(spec(algorithms=algorithms), FakeKeys(pair, algorithms=algorithms)).for_route(())
    assert await gate.authorize(request_with(make_token(pair)))
    for name in ("RS384", "PS256"):
        with pytest.raises(Unauthorized) as refused:
            await gate.authorize(request_with(make_token(pair, head=header(pair, alg=name), sign_as=name)))
        assert refused.value.reason == "algorithm_refused"


# --- what is remembered


async def test_a_token_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """J18: by all routes of the authorizer together; another token, by one character, is verified."""
    authorizer, keys = world()
    gates = [authorizer.for_route(()), authorizer.for_route(("notes/read",))]
    first = await gates[0].authorize(request_with(TOKEN))
    asked: list[str] = []
    monkeypatch.setattr(keys, "get", lambda kid: asked.append(kid))
    assert await gates[0].authorize(request_with(f"Bearer {TOKEN}")) is first
    assert (await gates[1].authorize(request_with(TOKEN))).v1["scopes"] == ["notes/read", "notes/write"]
    assert asked == []
    await gates[0].authorize(request_with(make_token(payload=claims(sub="other"))))
    assert asked == ["a"]


async def test_a_remembered_token_still_expires() -> None:
    """J9, J18, R6: by the clock of the request, whatever the cache thinks."""
    authorizer, _ = world()
    gate = authorizer.for_route(())
    token = make_token(payload=claims(exp=NOW_S + 60))
    assert await gate.authorize(request_with(token))
    assert await gate.authorize(request_with(token, at_s=NOW_S + 59.999))
    with pytest.raises(Unauthorized) as refused:
        await gate.authorize(request_with(token, at_s=NOW_S + 60))
    assert refused.value.reason == "token_expired"


async def test_a_remembered_token_is_not_taken_before_its_time() -> None:
    """J9, R6: when the clock is set back."""
    authorizer, _ = world()
    gate = authorizer.for_route(())
    token = make_token(payload=claims(nbf=NOW_S - 5))
    assert await gate.authorize(request_with(token))
    with pytest.raises(Unauthorized) as refused:
        await gate.authorize(request_with(token, at_s=NOW_S - 6))
    assert refused.value.reason == "token_not_yet_valid"


async def test_within_the_leeway_a_token_is_good_and_not_remembered() -> None:
    """J9, J18."""
    authorizer, _ = world(leeway_s=10)
    gate = authorizer.for_route(())
    token = make_token(payload=claims(exp=NOW_S))
    assert await gate.authorize(request_with(token, at_s=NOW_S + 9))
    with pytest.raises(Unauthorized):
        await gate.authorize(request_with(token, at_s=NOW_S + 10))


async def test_a_lost_key_ends_what_it_has_signed() -> None:
    """J18: at once, for tokens that are remembered too; the other key's stay good."""
    authorizer, keys = world()
    gate = authorizer.for_route(())
    other = make_token(rsa_key("b"))
    for token in (TOKEN, other):
        assert await gate.authorize(request_with(token))
    keys.replace(rsa_key("b"))
    with pytest.raises(Unauthorized) as refused:
        await gate.authorize(request_with(TOKEN))
    assert refused.value.reason == "key_unknown"
    assert await gate.authorize(request_with(other))


async def test_a_key_that_is_lost_while_it_is_waited_for_is_not_believed_later() -> None:
    """J18: the fetch brought it, and before the request went on another one had taken it away."""

    class Racing(FakeKeys):
        async def find(self, kid: str) -> object:  # type: ignore[override]
            found = await super().find(kid)
            self.replace(rsa_key())
            return found

    new = rsa_key("new")
    keys = Racing(rsa_key(), later=[new])
    gate = JwtAuthorizer(spec(), keys).for_route(())
    await gate.authorize(request_with(make_token(new)))
    with pytest.raises(Unauthorized) as refused:
        await gate.authorize(request_with(make_token(new)))
    assert refused.value.reason == "key_unknown"


async def test_a_refused_token_is_judged_again() -> None:
    """Nothing is remembered of tokens that were refused: a key may come."""
    new = rsa_key("new")
    authorizer, keys = world()
    gate = authorizer.for_route(())
    with pytest.raises(Unauthorized):
        await gate.authorize(request_with(make_token(new)))
    keys.replace(rsa_key("a"), rsa_key("b"), new)
    assert await gate.authorize(request_with(make_token(new)))


async def test_requests_at_once() -> None:
    authorizer, _ = world()
    gate = authorizer.for_route(())
    found = await asyncio.gather(*(gate.authorize(request_with(TOKEN)) for _ in range(20)))
    assert all(each.v2 == found[0].v2 for each in found)


# --- through the gateway


async def test_answers_of_a_gateway() -> None:
    """J12, J14, H8, H18: 401 and 403 with their bodies and challenges, and the function sees the claims."""
    authorizer, _ = world()
    open_one = build(authorizer=authorizer.for_route(()))
    scoped = build(authorizer=authorizer.for_route(("notes/admin",)))
    host = ("host", "api.example.com")
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        missing = await open_one.request(method, "/x", headers=[host])
        assert (missing.status, missing.get("www-authenticate")) == (401, "Bearer")
    bad = await open_one.request("GET", "/x", headers=[host, ("authorization", "Bearer x.y")])
    assert (bad.status, bad.body) == (401, b'{"message":"Unauthorized"}')
    assert bad.get("www-authenticate") == (
        'Bearer scope="" error="invalid_token" error_description="token contains an invalid number of segments"'
    )
    denied = await scoped.request("GET", "/x", headers=[host, ("authorization", TOKEN)])
    assert (denied.status, denied.body) == (403, b'{"message":"Forbidden"}')
    assert open_one.invoker.calls == scoped.invoker.calls == []
    good = await open_one.request("GET", "/x", headers=[host, ("authorization", TOKEN)])
    assert good.status == 200
    assert open_one.invoker.event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "user-1"
    assert [record["denial"] for record in open_one.records[-2:]] == ["token_malformed", None]
    assert TOKEN.split(".")[2] not in json.dumps(open_one.records)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW_S - 4711, "nbf": 4711},
        {"iat": NOW_S + 4711},
        {"iss": "issuer-4711"},
        {"aud": "audience-4711"},
        {"sub": {"name": "4711"}},
        {"token_use": "use-4711"},
        {"scope": "scope-4711"},
    ],
)
async def test_the_log_is_told_no_claim(changes: dict[str, object]) -> None:
    """L2: a refused token's claims are in no record; what is wrong is said in a fixed text (`judge` says more)."""
    authorizer, _ = world(token_use="access")
    harness = build(authorizer=authorizer.for_route(("notes/read",)))
    token = make_token(payload=claims(**{"token_use": "access", **changes}))
    answer = await harness.request("GET", "/x", headers=[("host", "a"), ("authorization", token)])
    assert answer.status in (401, 403)
    (record,) = harness.records
    assert record["authorizer.error"] in {refusal.description for refusal in REFUSALS}
    assert "4711" not in json.dumps(record)


def test_the_test_world_makes_real_key_sets() -> None:
    assert json.loads(jwks(rsa_key()))["keys"][0]["kid"] == "a"


# --- what is known without waiting


async def test_a_token_is_recalled_once_it_was_verified() -> None:
    """Not before, and not for a route that wants a scope it does not have."""
    authorizer, _ = world()
    gate, other = authorizer.for_route(("notes/read",)), authorizer.for_route(("notes/delete",))
    request = request_with(f"Bearer {TOKEN}")
    assert gate.recall(request) is None
    verified = await gate.authorize(request)
    assert gate.recall(request) is verified
    assert other.recall(request) is None


@pytest.mark.parametrize("values", [(), ("Bearer ",), (TOKEN, TOKEN), ("x" * 10_000,), ("é",)])
async def test_what_is_no_token_is_not_recalled(values: tuple[str, ...]) -> None:
    """J14: `authorize` refuses it; the one token alone is recalled."""
    authorizer, _ = world()
    gate = authorizer.for_route(())
    await gate.authorize(request_with(TOKEN))
    assert gate.recall(request_with(*values)) is None
    assert gate.recall(request_with(TOKEN)) is not None


async def test_a_query_that_cannot_be_read_recalls_nothing() -> None:
    """`authorize` answers it with 400."""
    gate = world(identity_source=QUERY)[0].for_route(())
    assert gate.recall(request_with(query="&".join(f"a{n}=1" for n in range(2000)))) is None


async def test_a_recalled_caller_reaches_the_function_like_a_new_one() -> None:
    """The event, the log and the time for the authorizer are as they were the first time."""
    harness = build(authorizer=world()[0].for_route(("notes/read",)))
    for _ in range(2):
        answer = await harness.request("GET", "/x", headers=[("host", "a"), ("authorization", TOKEN)])
        assert answer.status == 200
    first, second = (
        json.loads(call.payload)["requestContext"]["authorizer"] for call in harness.invoker.calls
    )
    assert first == second
    assert all(record["authorizer_us"] is not None for record in harness.records)
