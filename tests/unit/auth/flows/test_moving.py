"""Who may move in, by the pool's rules: which field is wrong, in words; and what becomes of them without a password."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth.flows.moving import Arrival, BroughtVerifier, Door, NotAdmitted
from auth.pool import AttributeRule, Pool
from auth.store.ports import SrpVerifier
from auth.user import MfaPreference
from tests.support.user_pool import POOL, START

HASH = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
SUB = "0b9e5c1e-6b1f-4a51-9d0e-6a3f1f0f7a11"
NAMES_AND_MAIL = replace(
    POOL,
    sign_in_with=frozenset({"username", "email"}),
    attributes=(AttributeRule(name="tier", is_mutable=False), AttributeRule(name="seats", type="number")),
)
MAIL = replace(POOL, sign_in_with=frozenset({"email"}))
MAIL_AND_PHONE = replace(POOL, sign_in_with=frozenset({"email", "phone"}))
APP = MfaPreference(enabled=frozenset({"SOFTWARE_TOKEN_MFA"}), preferred="SOFTWARE_TOKEN_MFA")
VERIFIED = {"email": "ada@example.com", "email_verified": "true"}


def admit(pool: Pool = NAMES_AND_MAIL, **arrival: Any) -> Any:  # Any: of MovedUser's many fields
    return Door(pool=pool, groups=frozenset({"admins"})).admit(Arrival(**arrival), START)


def refused(pool: Pool = NAMES_AND_MAIL, **arrival: Any) -> NotAdmitted:
    with pytest.raises(NotAdmitted) as caught:
        admit(pool, **arrival)
    return caught.value


def test_what_is_not_said_is_as_usual() -> None:
    moved = admit(username=" Ada ", password_hash=HASH, attributes=VERIFIED).user
    user = moved.user
    assert (user.username, moved.key, moved.aliases) == ("Ada", "ada", (("email", "ada@example.com"),))
    assert (user.status, user.is_enabled, user.groups) == ("CONFIRMED", True, ())
    assert (user.created_at, user.updated_at, moved.password.set_at) == (START, START, START)
    assert not moved.keeps_sub
    assert moved.password.temporary_until is None


@pytest.mark.parametrize(
    ("status", "with_hash", "without"),
    [
        (None, "CONFIRMED", "RESET_REQUIRED"),
        ("CONFIRMED", "CONFIRMED", "RESET_REQUIRED"),
        ("FORCE_CHANGE_PASSWORD", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"),
        ("RESET_REQUIRED", "RESET_REQUIRED", "RESET_REQUIRED"),
        ("UNCONFIRMED", "UNCONFIRMED", "UNCONFIRMED"),
        ("EXTERNAL_PROVIDER", "EXTERNAL_PROVIDER", "EXTERNAL_PROVIDER"),
    ],
)
def test_status_with_and_without_a_password(status: Any, with_hash: str, without: str) -> None:
    assert admit(username="ada", status=status, password_hash=HASH).user.user.status == with_hash
    assert admit(username="ada", status=status).user.user.status == without


def test_a_temporary_password_has_an_end() -> None:
    """Twin: no other password has."""
    moved = admit(username="ada", status="FORCE_CHANGE_PASSWORD", password_hash=HASH).user
    assert moved.password.temporary_until == START + timedelta(days=7)
    end = datetime(2030, 1, 1, tzinfo=UTC)
    given = admit(
        username="ada", status="FORCE_CHANGE_PASSWORD", password_hash=HASH, temporary_until=end
    ).user
    assert given.password.temporary_until == end
    assert (
        admit(username="ada", password_hash=HASH, temporary_until=end).user.password.temporary_until is None
    )


@pytest.mark.parametrize(
    ("arrival", "where", "word"),
    [
        pytest.param({}, "username", "missing", id="no-name"),
        pytest.param({"username": "ada lovelace"}, "username", "blanks", id="blank"),
        pytest.param({"username": "ada\u202e"}, "username", "cannot be seen", id="bidi"),
        pytest.param({"username": "a" * 129}, "username", "longer", id="long"),
        pytest.param({"username": "  "}, "username", "empty", id="empty"),
        pytest.param({"username": "ada@example.com"}, "username", "email format", id="address"),
        pytest.param({"username": SUB}, "username", "user's id", id="uuid"),
        pytest.param({"username": "ada", "sub": "auth0|5f7c8ec7c33c6c004bbafe82"}, "sub", "UUID", id="sub"),
        pytest.param(
            {"username": "ada", "attributes": {"email": "a@@b"}}, "attributes.email", "Invalid", id="mail"
        ),
        pytest.param(
            {"username": "ada", "attributes": {"colour": "red"}}, "attributes.colour", "schema", id="unknown"
        ),
        pytest.param(
            {"username": "ada", "attributes": {"custom:seats": "x"}},
            "attributes.custom:seats",
            "number",
            id="number",
        ),
        pytest.param(
            {"username": "ada", "attributes": {"email_verified": "true"}},
            "attributes.email_verified",
            "no email",
            id="verified-nothing",
        ),
        pytest.param(
            {"username": "ada", "attributes": {"name": "a\x1b[2J"}},
            "attributes.name",
            "Control",
            id="terminal",
        ),
        pytest.param({"username": "ada", "groups": ("nobodies",)}, "groups", "no group", id="group"),
        pytest.param({"username": "ada", "mfa": APP}, "totp_secret", "missing", id="no-seed"),
        pytest.param(
            {"username": "ada", "mfa": replace(APP, enabled=frozenset())},
            "mfa.preferred",
            "not among",
            id="preferred",
        ),
        pytest.param({"username": "ada", "totp_secret": b"short"}, "totp_secret", "5 bytes", id="short-seed"),
    ],
)
def test_who_is_refused_is_told_where_and_why(arrival: dict[str, Any], where: str, word: str) -> None:
    """B13: whoever could not sign up under a name cannot move in under it."""
    fault = refused(**arrival)
    assert fault.where == where
    assert word in fault.what


def test_a_hash_that_nobody_should_check_is_refused() -> None:
    """B8: at the door, not at the first sign-in. Twin: the same with a bearable cost comes in."""
    fault = refused(username="ada", password_hash=HASH.replace("$10$", "$31$"))
    assert (fault.where, "31" in fault.what) == ("password_hash", True)
    assert admit(username="ada", password_hash=HASH).user.password.hash == HASH


def test_an_attribute_that_never_changes_comes_with_its_owner() -> None:
    assert (
        admit(username="ada", attributes={"custom:tier": "gold"}).user.user.attributes["custom:tier"]
        == "gold"
    )


@pytest.mark.parametrize(
    ("pool", "arrival", "aliases"),
    [
        pytest.param(
            MAIL, {"username": "Ada@Example.com"}, (("email", "ada@example.com"),), id="name-is-address"
        ),
        pytest.param(
            MAIL,
            {"attributes": {"email": "ada@example.com"}},
            (("email", "ada@example.com"),),
            id="attribute",
        ),
        pytest.param(
            MAIL,
            {"username": SUB.upper(), "sub": SUB, "attributes": VERIFIED},
            (("email", "ada@example.com"),),
            id="name-is-sub",
        ),
        pytest.param(
            MAIL_AND_PHONE,
            {"attributes": {"phone_number": "+491701234567"}},
            (("phone", "+491701234567"),),
            id="phone",
        ),
        pytest.param(
            MAIL_AND_PHONE,
            {"attributes": {**VERIFIED, "phone_number": "+491701234567"}},
            (("email", "ada@example.com"),),
            id="phone-is-not-verified",
        ),
    ],
)
def test_people_named_by_an_address(pool: Pool, arrival: dict[str, Any], aliases: Any) -> None:
    moved = admit(pool, **arrival).user
    assert moved.user.username == moved.user.sub == moved.key
    assert moved.aliases == aliases


def test_a_name_that_is_no_address_is_refused_where_addresses_are_names() -> None:
    assert refused(MAIL, username="ada", attributes=VERIFIED).where == "username"
    assert refused(MAIL, attributes={"name": "Ada"}).where == "attributes.email"
    assert refused(MAIL, attributes={"email": "nobody"}).where == "attributes.email"
    assert refused(MAIL, username=SUB, attributes=VERIFIED).where == "username"


def test_notes_say_what_the_operator_should_know() -> None:
    assert admit(username="ada", attributes=VERIFIED).notes == {"no_password"}
    assert admit(username="ada").notes == {"no_password", "unreachable"}
    assert admit(username="ada", password_hash=HASH).notes == set()
    lenient = Door(pool=NAMES_AND_MAIL, groups=frozenset(), drops_mfa=True)
    dropped = lenient.admit(Arrival(username="ada", password_hash=HASH, mfa=APP), START)
    assert (dropped.notes, dropped.user.user.mfa) == ({"without_app"}, MfaPreference())


def test_a_verifier_holds_in_a_pool_of_its_name_that_takes_srp() -> None:
    """B9: elsewhere it is left out, and so it is without the password that it is of."""
    verifier = SrpVerifier(user_id="ada", salt=b"salt", verifier=7)
    here = replace(NAMES_AND_MAIL, takes_srp=True)
    brought = BroughtVerifier(pool=here.key_name, verifier=verifier)
    assert admit(here, username="ada", password_hash=HASH, srp=brought).user.verifier == verifier
    for pool, arrival in (
        (NAMES_AND_MAIL, {"password_hash": HASH, "srp": brought}),
        (here, {"password_hash": HASH, "srp": replace(brought, pool="Another01")}),
        (here, {"srp": brought}),
    ):
        left_out = admit(pool, username="ada", **arrival)
        assert left_out.user.verifier is None
        assert "without_srp" in left_out.notes
