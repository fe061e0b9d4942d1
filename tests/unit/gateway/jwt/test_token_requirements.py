"""J1–J14, J18, one deciding line at a time: what is refused, and its twin that is let in."""

import asyncio
import json
import logging
from typing import Any

import pytest

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.authorizers.jwt.cache import MAX_AGE_S, VerifiedTokens, digest_of
from gateway.authorizers.jwt.spec import IssuerSpec
from gateway.errors import Denial, DeploymentError, Unauthorized
from gateway.exchange import Authorization, Exchange
from gateway.selection import Selection
from kit.jwt.keys import KeySet, VerificationKey
from kit.jwt.token import MAX_HEADER_BYTES, MAX_TOKEN_CHARS
from tests.support.jwt_world import (
    ISSUER,
    NOW_S,
    FakeKeys,
    b64,
    claims,
    compact,
    ec_key,
    header,
    jwks,
    make_token,
    request_with,
    rsa_key,
    spec,
)


def authorize(exchange: Exchange, **more: Any) -> Authorization:
    authorizer = JwtAuthorizer(spec(**more), FakeKeys(rsa_key()))
    return asyncio.run(authorizer.for_route(()).authorize(exchange))


def reason_of(token: str, **more: Any) -> str | None:
    """Why a token is refused; None: it is let in."""
    try:
        authorize(request_with(f"Bearer {token}"), **more)
    except Denial as denial:
        return denial.reason
    return None


def test_an_algorithm_is_judged_before_a_key_is_asked_for() -> None:
    """J1: what the token says picks nothing that is not configured; the twin's key is asked for in vain."""
    for algorithm, reason, asked in (
        ("HS256", "algorithm_refused", []),
        ("RS256", "key_unknown", ["nobody"]),
    ):
        keys = FakeKeys(rsa_key())
        token = make_token(head=header(rsa_key(), alg=algorithm, kid="nobody"))
        with pytest.raises(Unauthorized) as refused:
            asyncio.run(JwtAuthorizer(spec(), keys).for_route(()).authorize(request_with(f"Bearer {token}")))
        assert (refused.value.reason, keys.found) == (reason, asked)


def test_nothing_is_believed_that_is_not_signed() -> None:
    """J1: not by this key, and over these bytes."""
    head, payload, signature = make_token().split(".")
    assert (
        reason_of(f"{head}.{b64(json.dumps(claims(sub='root')).encode())}.{signature}") == "signature_invalid"
    )
    assert reason_of(f"{head}.{payload}.{signature}") is None


@pytest.mark.parametrize("algorithms", [("HS256",), ("RS256", "ES256"), ("none",), (), ("RS256", "HS256")])
def test_an_issuer_has_algorithms_of_one_family(algorithms: tuple[str, ...]) -> None:
    """J1: and never a shared secret."""
    with pytest.raises(DeploymentError):
        IssuerSpec(issuer=ISSUER, algorithms=algorithms)
    assert IssuerSpec(issuer=ISSUER, algorithms=("RS256", "RS512")).algorithms == ("RS256", "RS512")


RSA = rsa_key("k")
EC = ec_key("k", "P-384")
RS, ES = ("RS256", "RS384"), ("ES256",)


@pytest.mark.parametrize(
    ("bad", "good", "algorithms"),
    [
        pytest.param(RSA.jwk(kty="oct"), RSA.jwk(), RS, id="J2-type"),
        pytest.param(RSA.jwk(d="AQAB"), RSA.jwk(), RS, id="J2-private-part"),
        pytest.param(RSA.jwk(use="enc"), RSA.jwk(use=None), RS, id="J2-use"),
        pytest.param(RSA.jwk(key_ops=["sign"]), RSA.jwk(key_ops=["verify"]), RS, id="J2-operations"),
        pytest.param(RSA.jwk(alg="PS256"), RSA.jwk(alg="RS384"), RS, id="J2-algorithm"),
        pytest.param(rsa_key("k", 1024).jwk(), RSA.jwk(), RS, id="J2-size"),
        pytest.param(EC.jwk(alg=None), ec_key("k").jwk(alg=None), ES, id="J2-curve"),
        pytest.param(RSA.jwk(kid=None), RSA.jwk(), RS, id="J2-no-kid"),
    ],
)
def test_a_key_that_does_not_fit_is_left_out(
    bad: dict[str, Any], good: dict[str, Any], algorithms: tuple[str, ...]
) -> None:
    """J2: it alone; the others of its set stay, and so does its twin."""
    beside = (rsa_key("b") if algorithms == RS else ec_key("b")).jwk()
    assert KeySet.load(jwks(bad, beside), algorithms).kids == ("b",)
    assert KeySet.load(jwks(good, beside), algorithms).kids == ("k", "b")


def test_two_keys_of_one_name_are_none() -> None:
    """J2: nobody could say which of them is meant."""
    assert KeySet.load(jwks(RSA, rsa_key("b"), RSA.jwk(alg=None)), RS).kids == ("b",)
    assert KeySet.load(jwks(RSA, rsa_key("b")), RS).kids == ("k", "b")


def with_header_of(size: int) -> str:
    """A good token with a header of *size* bytes."""
    head = header(rsa_key(), x="")
    head["x"] = "a" * (size - len(json.dumps(head)))
    return make_token(head=head)


def test_a_token_has_a_size() -> None:
    """J7: 8 KiB; a longer one is refused before anything is decoded."""
    short = make_token(payload=claims(x="a" * 4000))
    long = make_token(payload=claims(x="a" * 6000))
    assert len(short) <= MAX_TOKEN_CHARS < len(long)
    assert (reason_of(short), reason_of(long)) == (None, "token_malformed")


def test_a_header_has_a_size() -> None:
    """J7: 4 KiB."""
    tokens = [with_header_of(size) for size in (MAX_HEADER_BYTES, MAX_HEADER_BYTES + 1)]
    assert max(map(len, tokens)) <= MAX_TOKEN_CHARS
    assert [reason_of(token) for token in tokens] == [None, "token_malformed"]


def with_payload(text: bytes) -> str:
    """A good token but for a member *text* more in its payload."""
    key = rsa_key()
    return compact(key, json.dumps(header(key)).encode(), json.dumps(claims()).encode()[:-1] + text + b"}")


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        pytest.param(b',"sub":"user-2"', b',"sub2":"user-2"', id="J8-name-twice"),
        pytest.param(b',"x":{"a":1,"a":2}', b',"x":{"a":1,"b":2}', id="J8-name-twice-within"),
        pytest.param(b',"x":NaN', b',"x":null', id="J8-nan"),
        pytest.param(b',"x":-Infinity', b',"x":-1', id="J8-infinity"),
        pytest.param(b',"x":1e999', b',"x":1e99', id="J8-number-too-large"),
        pytest.param(b',"x":' + b"1" * 101, b',"x":' + b"1" * 100, id="J8-endless-integer"),
        pytest.param(b',"x":"\xff"', b',"x":"\xc3\xbf"', id="J8-not-utf-8"),
        pytest.param(b',"x":"\\ud800"', b',"x":"\\ud83d\\ude00"', id="J8-half-a-pair"),
        pytest.param(b',"x":' + b"[" * 32 + b"]" * 32, b',"x":' + b"[" * 31 + b"]" * 31, id="J7-too-deep"),
        pytest.param(b',"x":1,', b',"x":1', id="J8-no-json"),
    ],
)
def test_signed_json_is_read_strictly(bad: bytes, good: bytes) -> None:
    assert reason_of(with_payload(bad)) == "token_malformed"
    assert reason_of(with_payload(good)) is None


def test_a_payload_is_an_object() -> None:
    """J8: a list of one is none."""
    key = rsa_key()
    head, payload = json.dumps(header(key)).encode(), json.dumps(claims()).encode()
    assert reason_of(compact(key, head, b"[" + payload + b"]")) == "token_malformed"
    assert reason_of(compact(key, head, payload)) is None


def test_a_library_that_breaks_has_not_verified(caplog: pytest.LogCaptureFixture) -> None:
    """J8: whatever it raises; nobody gets a 500 for a token."""
    caplog.set_level(logging.CRITICAL)

    def breaks(signing_input: bytes, signature: bytes) -> bool:
        raise TypeError("a fault of the library")

    checks = {"RS256": breaks, "RS384": lambda signing_input, signature: True}
    key = VerificationKey("k", ("RS256", "RS384"), "", checks)
    assert [key.verify(name, b"", b"") for name in checks] == [False, True]


@pytest.mark.parametrize(
    ("change", "leeway_s", "reason"),
    [
        pytest.param({"exp": NOW_S - 29}, 30, None, id="J9-twin-expired-within-the-leeway"),
        pytest.param({"exp": NOW_S - 30}, 30, "token_expired", id="J9-expired-beyond-it"),
        pytest.param({"nbf": NOW_S + 30}, 30, None, id="J9-twin-valid-soon"),
        pytest.param({"nbf": NOW_S + 31}, 30, "token_not_yet_valid", id="J9-valid-later"),
    ],
)
def test_leeway_is_the_same_on_both_sides(change: dict[str, int], leeway_s: int, reason: str | None) -> None:
    assert reason_of(make_token(payload=claims(**change)), leeway_s=leeway_s) == reason


@pytest.mark.parametrize("leeway_s", [61, -1])
def test_leeway_has_a_limit(leeway_s: int) -> None:
    """J9: a minute."""
    with pytest.raises(DeploymentError):
        spec(leeway_s=leeway_s)
    assert spec(leeway_s=60).leeway_s == 60


def test_the_time_is_that_of_the_request() -> None:
    """J9: one reading of the clock for each request, whatever the clock says by the time of the check."""
    token = make_token(payload=claims(exp=NOW_S + 1))
    authorize(request_with(f"Bearer {token}", at_s=NOW_S))
    with pytest.raises(Unauthorized):
        authorize(request_with(f"Bearer {token}", at_s=NOW_S + 1))


@pytest.mark.parametrize("audience", [(), ("",), ("a", "")])
def test_an_authorizer_needs_an_audience(audience: tuple[str, ...]) -> None:
    """J11: a token for nobody is not for us."""
    with pytest.raises(DeploymentError):
        spec(audience=audience)
    assert spec(audience=("a",)).audience == {"a"}


@pytest.mark.parametrize("use", [pytest.param("id", id="J13-id"), pytest.param(None, id="J13-none")])
def test_token_use_where_it_is_configured(use: str | None) -> None:
    token = make_token(payload=claims(token_use=use))
    assert reason_of(token, token_use="access") == "token_use_wrong"
    assert reason_of(make_token(payload=claims(token_use="access")), token_use="access") is None
    assert reason_of(token) is None, "its twin, where it is not configured"


def test_two_authorization_headers_are_refused() -> None:
    """J14: also two equal ones; one is let in."""
    value = f"Bearer {make_token()}"
    with pytest.raises(Unauthorized) as refused:
        authorize(request_with(value, value))
    assert refused.value.reason == "identity_repeated"
    authorize(request_with(value))


def test_a_token_counts_only_where_it_is_configured() -> None:
    """J14: not in the query, not in another header, unless the authorizer says so."""
    token = make_token()
    for exchange in (request_with(query=f"access_token={token}"), request_with(x_token=f"Bearer {token}")):
        with pytest.raises(Unauthorized) as refused:
            authorize(exchange)
        assert refused.value.reason == "identity_missing"
    source = Selection.parse("$request.querystring.access_token")
    authorize(request_with(query=f"access_token={token}"), identity_source=source)


@pytest.mark.parametrize("text", ["$context.identity.sourceIp", "$stageVariables.token"])
def test_a_token_is_in_a_header_or_the_query(text: str) -> None:
    """J14: nowhere else, whatever the file says."""
    with pytest.raises(DeploymentError):
        spec(identity_source=Selection.parse(text))
    spec(identity_source=Selection.parse("$request.header.x-token"))


class Door:
    """One authorizer that outlives its requests, and how often it had to verify."""

    def __init__(self) -> None:
        self.keys = FakeKeys(rsa_key("a"), rsa_key("b"))
        self.authorizer = JwtAuthorizer(spec(), self.keys)
        self.verified = 0
        verify = self.authorizer.verify

        async def counted(text: str, now_s: float) -> Any:
            self.verified += 1
            return await verify(text, now_s)

        self.authorizer.verify = counted  # type: ignore[method-assign]

    def reason(self, token: str, at_s: float = NOW_S) -> str | None:
        gate = self.authorizer.for_route(())
        try:
            asyncio.run(gate.authorize(request_with(f"Bearer {token}", at_s=at_s)))
        except Denial as denial:
            return denial.reason
        return None


@pytest.mark.parametrize(
    ("life_s", "after_s", "reason", "verified"),
    [
        pytest.param(3600, MAX_AGE_S - 1, None, 1, id="J18-twin-remembered"),
        pytest.param(3600, MAX_AGE_S, None, 2, id="J18-verified-anew-after-five-minutes"),
        pytest.param(60, 59, None, 1, id="J18-twin-remembered-while-it-lives"),
        pytest.param(60, 60, "token_expired", 2, id="J18-forgotten-at-its-end"),
        pytest.param(3600, -1, None, 2, id="J18-clock-set-back"),
    ],
)
def test_a_verified_token_is_remembered_for_its_time(
    life_s: int, after_s: int, reason: str | None, verified: int
) -> None:
    door = Door()
    token = make_token(payload=claims(exp=NOW_S + life_s, iat=None))
    assert door.reason(token) is None
    assert door.reason(token, NOW_S + after_s) == reason
    assert door.verified == verified


def test_a_token_is_remembered_by_all_of_its_text() -> None:
    """J18: the same header and payload with another signature is another token."""
    door = Door()
    token = make_token()
    assert door.reason(token) is None
    head, payload, signature = token.split(".")
    assert door.reason(f"{head}.{payload}.{b64(bytes(256))}") == "signature_invalid"
    assert (
        door.reason(f"{head}.{b64(json.dumps(claims(sub='root')).encode())}.{signature}")
        == "signature_invalid"
    )
    assert door.reason(token) is None
    assert door.verified == 3


def test_what_a_lost_key_has_signed_is_forgotten() -> None:
    """J18: and what a key that stays has signed is verified again."""
    door = Door()
    lost, kept = make_token(rsa_key("a")), make_token(rsa_key("b"))
    assert [door.reason(token) for token in (lost, kept)] == [None, None]
    door.keys.replace(rsa_key("b"))
    assert [door.reason(token) for token in (kept, lost)] == [None, "key_unknown"]


def test_what_is_remembered_is_bounded() -> None:
    """J18: in number; the one that was used last stays."""
    door = Door()
    door.authorizer._verified = VerifiedTokens(max_entries=2)
    tokens = [make_token(payload=claims(sub=f"user-{n}")) for n in range(3)]
    for token in tokens:
        door.reason(token)
    assert len(door.authorizer._verified) == 2
    assert digest_of(tokens[0]) != digest_of(tokens[1])
    door.reason(tokens[2])
    assert door.verified == 3
    door.reason(tokens[0])
    assert door.verified == 4
