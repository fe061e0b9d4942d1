"""J8: no input whatever gives anything but an `Authorization` or a `Denial`, and none of the random ones the first."""

import asyncio
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.errors import DENIAL_REASONS, Denial
from kit.jwt.algorithms import FAMILIES
from kit.jwt.keys import KeySet, KeySetError
from tests.support.jwt_world import (
    NOW_S,
    FakeKeys,
    b64,
    claims,
    compact,
    header,
    jwks,
    make_token,
    request_with,
    rsa_key,
    spec,
)

AUTHORIZER = JwtAuthorizer(spec(), FakeKeys(rsa_key("a"), rsa_key("b")))
GATE = AUTHORIZER.for_route(("notes/read",))
TOKEN = make_token()
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["RS256", "a", NOW_S, "client-1", "notes/read", "JWT"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
HEADER_NAMES = (
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip", "cty", "jwk", "jku", "x5c"]) | st.text()
)
CLAIM_NAMES = (
    st.sampled_from(["iss", "aud", "client_id", "exp", "nbf", "iat", "sub", "scope", "scp", "cnf", "token_use"])
    | st.text()
)  # fmt: skip


def is_let_in(value: str) -> bool:
    """And if not, then with a reason of the list."""
    try:
        asyncio.run(GATE.authorize(request_with(value)))
    except Denial as denial:
        refused = denial
    else:
        return True
    assert refused.reason in DENIAL_REASONS
    assert refused.status in (401, 403)
    return False


@given(st.text(st.characters(max_codepoint=255), max_size=300))
@example("")
@example("Bearer .")
def test_any_header_value(value: str) -> None:
    """J8."""
    assert not is_let_in(value)


@given(st.text(max_size=100))
def test_any_text_can_be_judged(value: str) -> None:
    """J8: half surrogates, as a command line may give them, are no exception either."""
    assert AUTHORIZER.judge(value, NOW_S).reason is not None
    assert AUTHORIZER.judge(f"{value}\ud800", NOW_S).reason is not None


@given(st.tuples(st.binary(max_size=90), st.binary(max_size=90), st.binary(max_size=260)))
def test_any_three_segments(parts: tuple[bytes, bytes, bytes]) -> None:
    """J6, J8."""
    assert not is_let_in(".".join(map(b64, parts)))


@settings(max_examples=200)
@given(st.integers(0, len(TOKEN) - 1), st.characters(max_codepoint=255))
def test_a_token_with_one_character_changed(position: int, character: str) -> None:
    """J6: each is another token, and only the issuer can make one."""
    changed = TOKEN[:position] + character + TOKEN[position + 1 :]
    assert is_let_in(changed) is (changed == TOKEN)


@given(HEADER_NAMES, JSON)
def test_a_signed_header_with_one_member_changed(name: str, value: Any) -> None:
    """J5, J8: signed by the issuer, and still no exception of another kind."""
    head = json.dumps({**header(rsa_key()), name: value}).encode()
    is_let_in(compact(rsa_key(), head, json.dumps(claims()).encode()))


@given(st.lists(st.tuples(CLAIM_NAMES, JSON), min_size=1, max_size=3))
def test_signed_claims_with_some_changed(changes: list[tuple[str, Any]]) -> None:
    """J8, J9: signed by the issuer, and still no exception of another kind."""
    is_let_in(make_token(payload={**claims(), **dict(changes)}))


@given(st.binary(max_size=200))
def test_any_signed_bytes(payload: bytes) -> None:
    """J8."""
    assert not is_let_in(compact(rsa_key(), json.dumps(header(rsa_key())).encode(), payload))


KEY_NAMES = st.sampled_from(["kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y", "d"])


@given(
    KEY_NAMES | st.text(), JSON | st.sampled_from(["EC", "RSA", "P-256", "AQAB"]), st.sampled_from(FAMILIES)
)
def test_any_key_set(name: str, value: Any, family: tuple[str, ...]) -> None:
    """J2, J8: read, or one kind of error."""
    document = jwks({**rsa_key().jwk(), name: value}, rsa_key("b"))
    try:
        loaded = KeySet.load(document, family)
    except KeySetError:
        return
    assert len(loaded) + len(loaded.dropped) == 2


@given(st.binary(max_size=100))
def test_any_bytes_as_key_set(document: bytes) -> None:
    """J2, J8."""
    try:
        assert len(KeySet.load(document, FAMILIES[0])) == 0
    except KeySetError:
        return
