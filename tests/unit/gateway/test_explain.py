"""`gateway.explain`: it says what the gateway does, does none of it, and gives nothing away."""

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cors import CorsSpec
from gateway.exchange import ApiNames
from gateway.explain.shape import as_json
from gateway.explain.values import Explanation
from gateway.integrations.respond import RespondTarget
from gateway.issuers.issuer import Issuers
from gateway.issuers.schedule import KEPT_S
from gateway.issuers.source import Published
from gateway.selection import Selection
from gateway.stage import Stage, StageSet
from gateway.throttling.spec import ThrottleKey, ThrottleSpec
from gateway.throttling.throttle import Throttle
from kit.fetch import FetchError
from kit.forwarded import ProxyTrust
from tests.support.explained import HOST, Route, World, answer_of, received_of
from tests.support.forged_case import Case, issuer_keys
from tests.support.forged_claims import forged_claims
from tests.support.forged_forms import forged_forms
from tests.support.forged_keys import forged_keys
from tests.support.function_door import ALLOW, DENY, open_door, spec_of
from tests.support.jwt_world import NOW_S, FakeKeys, claims, jwks, make_token, request_with, rsa_key, spec

APP = "https://app.example.com"
CORS = CorsSpec(allow_origins=(APP,), allow_methods=("GET",), allow_headers=("authorization",))
RESPOND = RespondTarget(status=201, headers={"x-own": "set"}, body='{"ok":true}')
ROUTES = (
    Route("GET /notes/{id}", ("notes/read", "notes/admin")),
    Route("PUT /notes/{id}", ("notes/admin",)),
    Route("GET /notes", ()),
    Route("ANY /files/{path+}", ()),
    Route("GET /public"),
    Route("ANY /fixed", target=RESPOND),
    Route("GET /Case/{x}/end"),
)
TOKENS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "good": (f"Bearer {make_token()}",),
    "bare": (make_token(),),
    "lower-case": (f"bearer {make_token()}",),
    "twice-bearer": (f"Bearer Bearer {make_token()}",),
    "empty": ("Bearer ",),
    "nonsense": ("Basic dXNlcjpwdw==",),
    "expired": (f"Bearer {make_token(payload=claims(exp=NOW_S))}",),
    "not-yet": (f"Bearer {make_token(payload=claims(nbf=NOW_S + 1))}",),
    "other-audience": (f"Bearer {make_token(payload=claims(aud='other'))}",),
    "no-scope": (f"Bearer {make_token(payload=claims(scope=None))}",),
    "other-key": (f"Bearer {make_token(rsa_key('b'))}",),
    "two": (f"Bearer {make_token()}", f"Bearer {make_token()}"),
    "changed": (f"Bearer {make_token()[:-8]}AAAAAAAA",),
}
TARGETS = (
    *("/notes/7", "/notes/", "/notes", "/notes/7/8", "/files/", "/files/a/b", "/files", "/public", "/PUBLIC"),
    *(
        "/fixed",
        "/fixed/",
        "/",
        "//",
        "/nowhere",
        "/notes/%2e%2e",
        "/notes/%zz",
        "/notes/a%2fb",
        "/notes/%00",
    ),
    *(
        "/notes/caf%C3%A9",
        "/notes/%ff",
        "/public?a=b",
        "/public?" + "a&" * 1000,
        "/Case/1/end",
        "/case/1/end",
    ),
)
METHODS = ("GET", "PUT", "POST", "HEAD", "OPTIONS", "PROPFIND")
ORIGINS: tuple[dict[str, str], ...] = (
    {},
    {"origin": APP},
    {"origin": "https://evil.example.net"},
    {"origin": APP, "access-control-request-method": "GET"},
)
LENGTHS = ("", "0", str(6 * 1024 * 1024 + 1), str(10 * 1024 * 1024))


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, str]]]:
    headers = list(draw(st.sampled_from(ORIGINS)).items())
    headers += [("authorization", value) for value in TOKENS[draw(st.sampled_from(tuple(TOKENS)))]]
    length = draw(st.sampled_from(LENGTHS))
    if length:
        headers.append(("content-length", length))
    return draw(st.sampled_from(METHODS)), draw(st.sampled_from(TARGETS)), headers


@settings(max_examples=400, deadline=None)
@given(asked(), st.booleans(), st.booleans(), st.sampled_from(["$default", "prod"]))
async def test_it_agrees_with_the_gateway(
    request: tuple[str, str, list[tuple[str, str]]], has_cors: bool, has_default: bool, stage: str
) -> None:
    """The same request to both: the same answer to the last header, or the function was called."""
    method, target, headers = request
    routes = (*ROUTES, Route("$default", ("notes/admin",))) if has_default else ROUTES
    world = World(*routes, cors=CORS if has_cors else None, stages=[Stage(name=stage)])
    target = target if stage == "$default" else f"/prod{target}"
    found = await world.explain(method, target, headers)
    assert not world.invoker.calls
    received = await world.request(method, target, headers)
    assert (found.verdict == "allowed") == (received.status in (200, 201, 204))
    assert bool(world.invoker.calls) == (
        found.integration is not None and found.integration.function is not None
    )
    status, sent, body = answer_of(found)
    if found.answer is None:
        assert received.status == 200
    elif found.answer.by == "edge":
        assert status == received.status
    elif found.answer.by == "respond":
        hidden = [
            (name, "<not shown>" if name == "x-own" else value) for name, value in received_of(received)[1]
        ]
        assert (status, sent, found.answer.body_bytes) == (
            received.status,
            sorted(hidden),
            len(received.body),
        )
    else:
        assert (status, sent, body) == received_of(received)


@pytest.mark.parametrize("pairs", [1000, 1001])
async def test_too_many_pairs_of_a_query(pairs: int) -> None:
    """H15: an event needs them all, a `respond:` none."""
    world = World(*ROUTES)
    query = "&".join("a" * pairs)
    for path in ("/public", "/fixed"):
        found = await world.explain("GET", f"{path}?{query}")
        received = await world.request("GET", f"{path}?{query}")
        assert (answer_of(found)[0] or 200) == received.status
        assert (
            (found.verdict == "refused") == (received.status == 400) == (path == "/public" and pairs > 1000)
        )


# Without those that the edge would mend: it cuts blanks off the end of a field.
FORGED = [
    case
    for case in (*forged_keys(), *forged_forms(), *forged_claims())
    if case.token.isascii() and case.token == case.token.strip()
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in FORGED[::3]])
async def test_forged_tokens_are_explained_as_they_are_refused(case: Case) -> None:
    world = World(Route("GET /notes", case.scopes), keys=issuer_keys())
    headers = [("authorization", f"Bearer {case.token}")]
    found = await world.explain("GET", "/notes", headers)
    if found.answer is not None and found.answer.by == "edge":  # larger than a header may be
        return
    assert answer_of(found) == received_of(await world.request("GET", "/notes", headers))
    last = found.steps[-1].checks[-1]
    assert last.outcome == "refused"
    assert all(each.outcome == "ok" for each in found.steps[-1].checks[:-1])
    twin = await world.explain("GET", "/notes", [("authorization", f"Bearer {case.twin}")])
    assert twin.verdict == "allowed"


async def test_the_token_is_put_where_the_route_looks_for_it() -> None:
    for source in ("$request.header.Authorization", "$request.header.x-token", "$request.querystring.tok en"):
        token = spec(identity_source=Selection.parse(source))
        world = World(Route("GET /notes", ("notes/read",)), token=token)
        refused = await world.explain("GET", "/notes?a=1")
        assert (refused.reason, answer_of(refused)[0]) == ("identity_missing", 401)
        found = await world.explain("GET", "/notes?a=1", token=make_token())
        assert found.verdict == "allowed", found.sentence
        assert f"put at {source}" in [step.sentence for step in found.steps]


@pytest.mark.parametrize(
    ("source", "size", "status"),
    [
        ("$request.header.Authorization", 16_300, 401),
        ("$request.header.Authorization", 16_384, 431),
        ("$request.querystring.t", 8_100, 401),
        ("$request.querystring.t", 8_192, 414),
    ],
)
async def test_a_token_that_no_request_can_carry_is_the_edges_to_refuse(
    source: str, size: int, status: int
) -> None:
    """H3: it was told as 401, which the client of such a request never sees."""
    world = World(Route("GET /notes", ()), token=spec(identity_source=Selection.parse(source)))
    found = await world.explain("GET", "/notes", token="a" * size)
    assert answer_of(found)[0] == status
    assert found.steps[-1].name == ("authorizer" if status == 401 else "token")


async def test_checks_are_named_one_by_one() -> None:
    world = World(Route("GET /notes", ("notes/read",)))
    found = await world.explain("GET", "/notes", token=make_token())
    checks = {each.name: each.sentence for each in found.steps[-3].checks}
    assert list(checks) == [
        *("identity", "form", "algorithm", "key", "signature", "issuer", "audience", "lifetime", "scopes")
    ]
    assert checks["key"] == "'a' of the issuer (1 key, fetched 1 minute ago)"
    assert checks["lifetime"] == "it expires in 1 hour (2026-07-10T20:19:05Z)"
    assert checks["scopes"] == "it has notes/read; any one of notes/read is enough"


async def test_an_expired_token_says_since_when() -> None:
    world = World(Route("GET /notes", ()))
    found = await world.explain("GET", "/notes", token=make_token(payload=claims(exp=NOW_S - 720)))
    assert found.sentence == "the token has expired: its exp is 12 minutes ago (2026-07-10T19:07:05Z)."
    assert (found.verdict, found.code, found.reason) == ("refused", "UNAUTHORIZED", "token_expired")


async def test_time_is_budgeted() -> None:
    world = World(Route("GET /notes", ()), Route("GET /public"))
    found = as_json(await world.explain("GET", "/notes", token=make_token()))
    assert found["budget"] == {"authorizer_s": 3.0, "integration_s": 12, "total_s": 15.0}
    assert as_json(await world.explain("GET", "/public"))["budget"]["total_s"] == 12
    assert "with at most 12 s" in found["sentence"]


async def test_without_keys_nobody_can_tell() -> None:
    keys = FakeKeys()
    world = World(Route("GET /notes", ()), keys=keys)
    found = await world.explain("GET", "/notes", token=make_token())
    assert (found.verdict, found.answer) == ("unknown", None)
    assert "no keys of the issuer are here" in found.sentence
    assert found.integration is not None
    assert keys.found == []
    missing = await world.explain("GET", "/notes")  # for this no key is needed
    assert answer_of(missing)[0] == 401


async def test_an_unknown_key_is_refused_with_a_warning() -> None:
    keys = FakeKeys(rsa_key(), later=[rsa_key("b")])
    world = World(Route("GET /notes", ()), keys=keys)
    found = await world.explain("GET", "/notes", token=make_token(rsa_key("b")))
    assert found.reason == "key_unknown"
    assert "the gateway asks the issuer again" in found.steps[-1].sentence
    assert keys.found == []  # and nobody has asked


async def test_domains() -> None:
    names = ApiNames(account_id="123456789012", api_id="local", region="us-east-1", domains=frozenset({HOST}))
    world = World(Route("GET /public"), names=names)
    assert (await world.explain("GET", "/public")).verdict == "allowed"
    other = await world.explain("GET", "/public", host="other.example.com")
    assert answer_of(other) == received_of(await world.request("GET", "/public", host="other.example.com"))
    assert (other.steps[-1].name, answer_of(other)[0]) == ("host", 403)


async def test_a_missing_stage_names_those_that_there_are() -> None:
    world = World(Route("GET /public"), stages=[Stage(name="prod"), Stage(name="test")])
    found = await world.explain("GET", "/public")
    assert (answer_of(found)[0], found.steps[-1].name) == (404, "stage")
    assert found.sentence.endswith("there are prod, test.")


async def test_throttles_are_looked_at_but_not_taken_from() -> None:
    throttle = ThrottleSpec(rate=0.001, burst=2)
    world = World(Route("GET /public", throttle=throttle))
    for _ in range(5):
        found = await world.explain("GET", "/public")
        assert "2 left" in next(step.sentence for step in found.steps if step.name == "throttle")
    for _ in range(2):
        assert (await world.request("GET", "/public")).status == 200
    found = await world.explain("GET", "/public")
    assert (answer_of(found)[0], found.reason) == (429, "throttled")
    received = await world.request("GET", "/public")
    assert answer_of(found) == received_of(received)
    offline = await world.explain("GET", "/public", live=False)
    assert offline.verdict == "allowed"
    assert [step.outcome for step in offline.steps if step.name == "throttle"] == ["unknown"]


async def test_a_quota_is_the_caller_s_own() -> None:
    quota = ThrottleSpec(rate=0.001, burst=1, by=ThrottleKey(kind="claim", name="sub"))
    world = World(Route("GET /notes", (), throttle=quota))
    one, other = make_token(), make_token(payload=claims(sub="user-2"))
    assert (await world.request("GET", "/notes", {"authorization": f"Bearer {one}"})).status == 200
    assert answer_of(await world.explain("GET", "/notes", token=one))[0] == 429
    assert (await world.explain("GET", "/notes", token=other)).verdict == "allowed"


async def test_a_throttle_by_address_goes_by_the_trusted_proxy_s_word() -> None:
    throttle = ThrottleSpec(rate=0.001, burst=1, by=ThrottleKey(kind="source_ip"))
    world = World(Route("GET /public", throttle=throttle))
    trust = ProxyTrust([ip_network("10.0.0.0/8")])
    found = await world.explain(
        "GET", "/public", {"x-forwarded-for": "198.51.100.7"}, peer="10.1.2.3", trust=trust
    )
    assert found.asked.source_ip == "198.51.100.7"
    found = await world.explain("GET", "/public", {"x-forwarded-for": "198.51.100.7"}, peer="203.0.113.9")
    assert found.asked.source_ip == "203.0.113.9"


async def test_a_function_authorizer_is_never_called() -> None:
    door = open_door(spec_of(ttl_s=60), ALLOW)
    world = World(Route("GET /notes", authorizer=door.gate))
    found = await world.explain("GET", "/notes", {"x-key": "k1"})
    assert (found.verdict, found.answer, door.calls) == ("unknown", None, 0)
    assert "would call check" in found.sentence
    assert as_json(found)["budget"] == {"authorizer_s": 10.0, "integration_s": 12, "total_s": 22.0}
    missing = await world.explain("GET", "/notes")
    assert answer_of(missing) == received_of(await world.request("GET", "/notes"))
    assert answer_of(missing)[0] == 401


@pytest.mark.parametrize(("says", "status"), [(ALLOW, 200), (DENY, 403)])
async def test_an_answer_that_is_kept_decides(says: Mapping[str, Any], status: int) -> None:
    door = open_door(spec_of(ttl_s=60), says)
    world = World(Route("GET /notes", authorizer=door.gate))
    assert (await world.request("GET", "/notes", {"x-key": "k1"})).status == status
    found = await world.explain("GET", "/notes", {"x-key": "k1"})
    assert found.verdict == ("allowed" if status == 200 else "refused")
    assert (answer_of(found)[0] or 200) == status
    assert (await world.explain("GET", "/notes", {"x-key": "k2"})).verdict == "unknown"
    assert door.calls == 1


async def test_a_token_for_a_function_goes_to_its_place() -> None:
    door = open_door(spec_of("$request.header.x-key"), ALLOW)
    world = World(Route("GET /notes", authorizer=door.gate), Route("GET /public"))
    found = await world.explain("GET", "/notes", token="k1")
    assert found.verdict == "unknown"
    public = await world.explain("GET", "/public", token="k1")
    assert "looks at no token" in next(step.sentence for step in public.steps if step.name == "token")


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        pytest.param("GET", "/public?" + "a" * 8192, {}, 414, id="target"),
        pytest.param("GET", "/public", {"x": "a" * 16384}, 431, id="field"),
        pytest.param("GET", "/public", {f"x{n}": "" for n in range(100)}, 431, id="fields"),
        pytest.param("GET", "/public", {f"x{n}": "a" * 16000 for n in range(3)}, 431, id="head"),
        pytest.param("TRACE", "/public", {}, 501, id="trace"),
        pytest.param("FETCH", "/public", {}, 400, id="method"),
        pytest.param("GET", "/public", {"bad name": "x"}, 400, id="name"),
        pytest.param("GET", "/public", {"host": "b.example.com"}, 400, id="two-hosts"),
        pytest.param("GET", "/public#x", {}, 400, id="fragment"),
        pytest.param("GET", "/caf\xe9", {}, 400, id="raw-bytes"),
        pytest.param("POST", "/public", {"content-length": "10485761"}, 413, id="body"),
        pytest.param("POST", "/public", {"content-length": "many"}, 400, id="length"),
        pytest.param("GET", "/public", {"expect": "a-miracle"}, 417, id="expectation"),
    ],
)
async def test_the_edge_refuses_first(method: str, target: str, headers: dict[str, str], status: int) -> None:
    """H1–H7: heads that no gateway sees; test_explain of the end-to-end tests has them beside the real edge."""
    world = World(Route("ANY /public"))
    found = await world.explain(method, target, headers)
    assert found.answer is not None
    assert (found.verdict, found.answer.by, found.answer.status) == ("refused", "edge", status)
    assert (await world.explain("GET", "/public?" + "a" * 8183, {"x": "a" * 16000})).verdict == "allowed"
    assert (await world.explain("GET", "/public", {"expect": "100-Continue"})).verdict == "allowed"


async def test_fields_that_the_edge_drops_are_not_seen() -> None:
    throttle = ThrottleSpec(rate=1, burst=1, by=ThrottleKey(kind="header", name="x-who"))
    world = World(Route("GET /public", throttle=throttle))
    await world.request("GET", "/public", {"x-who": "a"})
    assert answer_of(await world.explain("GET", "/public", {"x-who": "a"}))[0] == 429
    dropped = await world.explain("GET", "/public", {"x-who": "a", "connection": "x-who"})
    assert dropped.verdict == "allowed"


CANARY = "canary5d1f"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["/notes", "/asks", "/fixed", "/query", "/nowhere"])
@pytest.mark.parametrize(
    "token", [None, CANARY, f"{CANARY}.{CANARY}.{CANARY}", "signed", "forged", "bad-sub"]
)
async def test_it_gives_nothing_away(method: str, path: str, token: str | None) -> None:
    """L2: tokens, cookies, headers, queries, claims that name people, and what the file took from the environment."""
    payload = claims(sub=CANARY, email=f"{CANARY}@example.com", jti=CANARY)
    tokens = {
        "signed": make_token(payload=payload),
        "forged": make_token(payload=payload)[:-8] + "AAAAAAAA",
        "bad-sub": make_token(payload=payload | {"sub": [CANARY]}),
    }
    text = tokens.get(token or "", token)
    secret = RespondTarget(headers={"x-secret": CANARY, "location": CANARY}, body=CANARY)
    asks = spec_of("$request.header.Authorization", "$request.header.x-key", "$request.querystring.k")
    door = open_door(asks, ALLOW)
    query_spec = spec(identity_source=Selection.parse("$request.querystring.k"))
    query = World(token=query_spec).authorizer.for_route(())
    world = World(
        Route("GET /notes", ("notes/read",), throttle=ThrottleSpec(rate=1, burst=1)),
        Route("GET /asks", authorizer=door.gate),
        Route("ANY /fixed", target=secret),
        Route("GET /query", authorizer=query),
        cors=CORS,
    )
    headers = {
        "x-key": CANARY,
        "cookie": CANARY,
        f"x-{CANARY[:3]}": CANARY,
        "origin": APP,
        "forwarded": CANARY,
    }
    if token is None:
        headers["authorization"] = f"Bearer {CANARY}"
    found = await world.explain(method, f"{path}?k={CANARY}&x={CANARY}", headers, token=text)
    said = json.dumps(as_json(found), ensure_ascii=False) + repr(found)
    assert CANARY not in said
    for part in (text or "").split("."):
        assert len(part) < 3 or part not in said
    shown = await world.explain("GET", "/notes", token=tokens["signed"], all_claims=True)
    assert shown.claims is not None
    assert shown.claims["sub"] == CANARY


async def test_looking_at_keys_begins_no_fetch() -> None:
    """An explanation costs an issuer nothing; a request's own look-up begins a fetch when keys are stale."""
    now = [1000.0]
    fetches: list[str] = []

    class Counting:
        async def fetch(self, url: str, **_: Any) -> bytes:
            fetches.append(url)
            raise FetchError("nobody is there")

    published = Published.read("https://issuer.example.com/keys", jwks(rsa_key()), ("RS256",))
    issuers = Issuers(fetcher=Counting(), clock=lambda: now[0])
    keys = await asyncio.to_thread(issuers.open, spec().issuer)  # off the loop: nothing is fetched there
    keys.restore(published, age_s=3600)
    for _ in range(3):
        assert keys.peek("a") == published.keys.get("a")
        await asyncio.sleep(0)
    now[0] += KEPT_S
    assert keys.peek("a") is None
    await asyncio.sleep(0)
    assert fetches == []
    keys.get("a")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(fetches) == 1
    await issuers.aclose()


@pytest.mark.parametrize("by", [None, ThrottleKey(kind="header", name="x-who")])
def test_looking_at_a_throttle_takes_nothing(by: ThrottleKey | None) -> None:
    now = [0]
    throttle = Throttle(ThrottleSpec(rate=2, burst=3, by=by), clock_ns=lambda: now[0])
    one, other = request_with(x_who="a"), request_with(x_who="b")
    assert [throttle.peek(one) for _ in range(3)] == [(3, 0)] * 3
    for left in (2, 1, 0):
        throttle.take(one)
        assert throttle.peek(one).tokens == left
    assert throttle.peek(one) == (0, 1)
    assert throttle.peek(other) == ((0, 1) if by is None else (3, 0))
    now[0] += 500_000_000
    assert throttle.peek(one) == (1, 0)


def test_stages_are_named() -> None:
    assert StageSet([Stage(name="prod"), Stage()]).names == ("$default", "prod")
    assert StageSet([Stage(name="prod")]).names == ("prod",)


def test_the_shape_is_the_documented_one() -> None:
    names = {field.name for field in dataclasses.fields(Explanation)}
    assert names - {"asked", "authorizer_s"} <= {
        *(
            "verdict",
            "sentence",
            "steps",
            "stage",
            "route",
            "parameters",
            "not_chosen",
            "did_you_mean",
            "code",
        ),
        *("reason", "answer", "integration", "claims", "other_claims"),
    }
