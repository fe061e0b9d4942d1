"""J9–J13: what the claims of a verified token must say. The many ways of being wrong are in the forged corpus."""

import pytest

from kit.jwt.claims import scopes_of
from kit.jwt.refusal import EXPIRED, NOT_YET, TOKEN_USE, Refusal, Refused
from tests.support.jwt_world import ISSUER, NOW_S, claims, spec


@pytest.mark.parametrize(
    ("name", "refusal", "last_good_s", "first_bad_s"),
    [
        ("exp", EXPIRED, NOW_S - 30 + 0.001, NOW_S - 30),
        ("nbf", NOT_YET, NOW_S + 30, NOW_S + 30.001),
        ("iat", NOT_YET, NOW_S + 30, NOW_S + 30.001),
    ],
)
def test_leeway_is_the_same_for_all_times(
    name: str, refusal: Refusal, last_good_s: float, first_bad_s: float
) -> None:
    """J9: symmetric, and to the millisecond."""
    rules = spec(leeway_s=30).rules()
    rules.check(claims(**{name: last_good_s}), NOW_S)
    with pytest.raises(Refused) as refused:
        rules.check(claims(**{name: first_bad_s}), NOW_S)
    assert refused.value.refusal is refusal
    with pytest.raises(Refused):
        spec().rules().check(claims(**{name: last_good_s}), NOW_S)


def test_times_may_have_fractions_and_only_exp_is_required() -> None:
    """J9."""
    rules = spec().rules()
    assert rules.check(claims(iat=None, exp=NOW_S + 0.5), NOW_S) == NOW_S + 0.5
    assert rules.check(claims(iat=NOW_S - 0.5, nbf=NOW_S - 0.5), NOW_S + 0.25) > NOW_S


@pytest.mark.parametrize("wanted", ["access", "id"])
def test_token_use_is_checked_only_where_it_is_configured(wanted: str) -> None:
    """J13: an ID token is no access token."""
    rules = spec(token_use=wanted).rules()
    rules.check(claims(token_use=wanted), NOW_S)
    for other in ("id" if wanted == "access" else "access", "", None, "ACCESS", [wanted], True):
        with pytest.raises(Refused) as refused:
            rules.check(claims(token_use=other), NOW_S)
        assert refused.value.refusal is TOKEN_USE
        spec().rules().check(claims(token_use=other), NOW_S)


@pytest.mark.parametrize(
    "audience", ["client-1", ["client-1"], ["x", "client-2"], ["client-1", "client-2", "y"]]
)
def test_one_audience_of_several_is_enough(audience: object) -> None:
    """J11."""
    spec(audience=("client-1", "client-2")).rules().check(claims(aud=audience), NOW_S)


def test_client_id_stands_in_for_a_missing_aud() -> None:
    """J11: Cognito's access tokens have no aud; where there is one, a foreign client_id does not matter."""
    rules = spec().rules()
    rules.check(claims(aud=None, client_id="client-1"), NOW_S)
    rules.check(claims(client_id="other"), NOW_S)


def test_the_sentence_says_what_was_expected() -> None:
    with pytest.raises(Refused, match=rf"its iss is '{ISSUER}/' and must be '{ISSUER}'"):
        spec().rules().check(claims(iss=f"{ISSUER}/"), NOW_S)
    with pytest.raises(Refused, match=r"accepted: a, b"):
        spec(audience=("b", "a")).rules().check(claims(), NOW_S)
    with pytest.raises(Refused) as refused:
        spec().rules().check(claims(iss="x" * 5000), NOW_S)
    assert len(refused.value.sentence) < 300


@pytest.mark.parametrize(
    ("found", "scopes"),
    [
        ({"scope": "a b"}, ("a", "b")),
        ({"scope": " a  b a "}, ("a", "b")),
        ({"scp": "a b"}, ("a", "b")),
        ({"scp": ["a", "b c"]}, ("a", "b c")),
        ({"scope": "a b", "scp": ["b", "c"]}, ("a", "b", "c")),
        ({"scope": "a\tb\u00a0c"}, ("a\tb\u00a0c",)),
        ({"scope": ["a"], "scp": {"a": 1}}, ()),
        ({"scp": [1, None, "", "a"]}, ("a",)),
        ({}, ()),
    ],
)
def test_scopes_of_a_token(found: dict[str, object], scopes: tuple[str, ...]) -> None:
    """J12: whole words of scope and scp."""
    assert scopes_of(found) == scopes
