"""Which attributes users and operators may write, and what their values look like."""

import pytest

from auth.client import Client
from auth.core.attributes import MAX_VALUE, checked, require_writable
from auth.errors import InvalidParameter, NotAuthorized
from auth.pool import AttributeRule, Pool

POOL = Pool(
    pool_id="us-east-1_Main00001",
    name="main",
    attributes=(AttributeRule(name="tenant", is_mutable=False), AttributeRule(name="level", type="number")),
)


@pytest.mark.parametrize("name", ["sub", "email_verified", "phone_number_verified"])
def test_users_do_not_vouch_for_themselves(name: str) -> None:
    """B11: only a code, or an operator, verifies an address. Twin: the name."""
    with pytest.raises(NotAuthorized, match="unauthorized attribute"):
        checked(POOL, {name: "true"}, is_new=True)
    assert checked(POOL, {"name": "true"}, is_new=True) == {"name": "true"}


def test_operators_do() -> None:
    assert checked(POOL, {"email_verified": "true"}, is_new=True, by_operator=True) == {
        "email_verified": "true"
    }
    with pytest.raises(NotAuthorized):
        checked(POOL, {"sub": "x"}, is_new=True, by_operator=True)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        pytest.param("email", "ada", "ada@example.com", id="email"),
        pytest.param("phone_number", "555", "+15551234567", id="phone"),
        pytest.param("birthdate", "1 May 1990", "1990-05-01", id="birthdate"),
        pytest.param("updated_at", "yesterday", "1700000000", id="updated-at"),
        pytest.param("custom:level", "high", "-3.5", id="custom-number"),
        pytest.param("custom:other", "x", None, id="not-in-the-schema"),
        pytest.param("cognito:groups", "admin", None, id="reserved"),
        pytest.param("name", "a\x00b", "a b", id="nul"),
        pytest.param("name", "\ud800", "\u00e9", id="surrogate"),
        pytest.param("name", "x" * (MAX_VALUE + 1), "x" * MAX_VALUE, id="long"),
    ],
)
def test_values_have_a_form(name: str, bad: str, good: str | None) -> None:
    with pytest.raises(InvalidParameter):
        checked(POOL, {name: bad}, is_new=True)
    if good is not None:
        assert checked(POOL, {name: good}, is_new=True) == {name: good}


def test_what_is_fixed_is_set_once() -> None:
    assert checked(POOL, {"custom:tenant": "a"}, is_new=True) == {"custom:tenant": "a"}
    with pytest.raises(InvalidParameter, match="cannot be updated"):
        checked(POOL, {"custom:tenant": "b"}, is_new=False)


def test_a_verdict_is_true_or_false() -> None:
    with pytest.raises(InvalidParameter, match="true or false"):
        checked(POOL, {"email_verified": "yes"}, is_new=True, by_operator=True)


def test_addresses_lose_the_blanks_around_them() -> None:
    assert checked(POOL, {"email": " Ada@example.com "}, is_new=True) == {"email": "Ada@example.com"}
    assert checked(POOL, {"email": None}, is_new=False) == {"email": None}


def test_a_client_writes_what_it_may() -> None:
    client = Client(client_id="c", pool_id=POOL.pool_id, name="web", write_attributes=frozenset({"name"}))
    require_writable(client, ["name"])
    require_writable(Client(client_id="c", pool_id=POOL.pool_id, name="web"), ["name", "email"])
    with pytest.raises(NotAuthorized, match="A client attempted to write unauthorized attribute"):
        require_writable(client, ["name", "email"])
