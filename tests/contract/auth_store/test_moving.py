"""People in batches: all of a batch or none, nobody else replaced, and what is sealed stays with its row."""

from dataclasses import replace
from typing import Any

import pytest

from auth.errors import AliasExists, ResourceNotFound
from auth.store.ports import MovedUser, SrpVerifier, StoredPassword
from auth.store.sql import SqlStore
from auth.user import MfaPreference, User
from tests.support.auth_store import HOUR, NOW, POOL, declared, new_user, peopled, refresh_token

LATER = NOW + HOUR
BEFORE = NOW - HOUR


def moved(name: str = "ada", *, sub: str | None = None, keeps_sub: bool = True, **changes: Any) -> MovedUser:
    """:param changes: of the user."""
    values: dict[str, Any] = {
        "pool_id": POOL,
        "sub": sub or f"sub-of-{name}",
        "username": name.title(),
        "status": "CONFIRMED",
        "is_enabled": True,
        "created_at": BEFORE,
        "updated_at": NOW,
        "tokens_valid_from": BEFORE,
        "attributes": {"email": f"{name}@example.com"},
    }
    return MovedUser(
        user=User(**(values | changes)),
        key=name,
        aliases=(("email", f"{name}@example.com"),),
        password=StoredPassword(hash=f"hash of {name}", set_at=BEFORE, temporary_until=LATER),
        keeps_sub=keeps_sub,
    )


@pytest.fixture
def pool(store: SqlStore) -> SqlStore:
    store.pools.declare([declared(groups=("admins",))], NOW)
    return store


def write(store: SqlStore, *users: MovedUser, choice: Any = "skip") -> tuple[str, ...]:
    return store.moving.write(POOL, users, LATER, choice=choice)


def test_what_was_written_is_read_and_found(pool: SqlStore) -> None:
    by_mail = MfaPreference(enabled=frozenset({"EMAIL_OTP"}), preferred="EMAIL_OTP")
    ada = replace(
        moved(groups=("admins",), is_enabled=False, mfa=by_mail),
        totp_secret=b"a seed",
        verifier=SrpVerifier(user_id="ada", salt=b"salt", verifier=2**3000 + 5),
    )
    assert write(pool, ada, moved("bob")) == ("written", "written")
    read = pool.moving.read(POOL, limit=10)
    assert [each.user.username for each in read] == ["Ada", "Bob"]
    assert (read[0].password, read[0].totp_secret, read[0].verifier) == (
        ada.password,
        b"a seed",
        ada.verifier,
    )
    assert replace(read[0].user, has_software_token=False, version=0) == ada.user
    assert [each.user.username for each in pool.moving.read(POOL, limit=1, after="sub-of-ada")] == ["Bob"]
    for key in ("ada", "ada@example.com", "sub-of-ada"):
        assert pool.users.find(POOL, key) is not None, key
    listed = pool.users.list(POOL, limit=10, filter=("email", "=", "bob@example.com"))
    assert [user.username for user in listed.users] == ["Bob"]
    assert pool.software_tokens.secret(POOL, "sub-of-ada", confirmed=True) == b"a seed"
    assert pool.srp.get(POOL, "sub-of-ada") == ada.verifier


def test_a_verifier_of_an_earlier_password_does_not_leave(pool: SqlStore) -> None:
    """B9: it proves nothing any more."""
    write(pool, replace(moved(), verifier=SrpVerifier(user_id="ada", salt=b"salt", verifier=7)))
    pool.users.set_password(POOL, "sub-of-ada", "another", LATER)
    assert pool.moving.read(POOL, limit=1)[0].verifier is None


@pytest.mark.parametrize(
    ("comer", "clash"),
    [
        pytest.param(moved("ada", sub="another"), "same", id="name"),
        pytest.param(moved("cyd", sub="sub-of-ada"), "same", id="sub"),
        pytest.param(replace(moved("cyd"), aliases=(("email", "ada@example.com"),)), "other", id="address"),
        pytest.param(replace(moved("ada"), aliases=(("email", "bob@example.com"),)), "other", id="of-two"),
        pytest.param(moved("bob", sub="sub-of-ada"), "other", id="name-and-sub-of-two"),
        pytest.param(replace(moved("cyd"), aliases=(("phone", "ada@example.com"),)), None, id="another-kind"),
        pytest.param(moved("cyd"), None, id="nobody"),
    ],
)
def test_who_is_in_the_way(pool: SqlStore, comer: MovedUser, clash: str | None) -> None:
    write(pool, moved("ada"), moved("bob"))
    assert pool.moving.clashes(POOL, [comer]) == (clash,)
    outcome = {"same": "replaced", "other": "skipped", None: "written"}[clash]
    assert write(pool, comer, choice="replace") == (outcome,)


def test_people_named_by_their_address_are_who_has_it(pool: SqlStore) -> None:
    """Their user name is their sub; whoever brings none keeps the one that was here."""
    first = replace(moved("ada", username="sub-of-ada"), key="sub-of-ada")
    write(pool, first)
    again = replace(moved("ada", sub="made", username="made", keeps_sub=False), key="made", totp_secret=b"s")
    assert write(pool, again, choice="skip") == ("skipped",)
    assert write(pool, again, choice="replace") == ("replaced",)
    (read,) = pool.moving.read(POOL, limit=10)
    assert (read.user.sub, read.user.username, read.key) == ("sub-of-ada",) * 3
    assert read.totp_secret == b"s"


def test_who_is_replaced_is_signed_out(store: SqlStore) -> None:
    """A8: grants die with the row, and gateways are told. Twin: skip leaves them signed in."""
    peopled(store)
    token = refresh_token(store)
    again = replace(moved("x", sub="sub-1"), key="name-of-sub-1")
    assert write(store, again, choice="skip") == ("skipped",)
    assert store.grants.live("grant-1", NOW) is not None
    assert write(store, again, choice="replace") == ("replaced",)
    assert store.grants.live("grant-1", NOW) is None
    assert not store.grants.revoke_token(token, "client1", LATER)
    assert store.users.get(POOL, "sub-1") is not None


def test_a_batch_that_fails_has_written_nobody(pool: SqlStore) -> None:
    """Twin: without the one that is in no group of the pool all are written."""
    with pytest.raises(ResourceNotFound):
        write(pool, moved("ada"), moved("bob", groups=("nobodies",)))
    assert pool.moving.read(POOL, limit=10) == ()
    assert write(pool, moved("ada"), moved("bob", groups=("admins",))) == ("written", "written")


def test_an_address_that_came_with_somebody_is_taken(pool: SqlStore) -> None:
    write(pool, moved("ada"))
    with pytest.raises(AliasExists):
        pool.users.create(new_user(aliases=(("email", "ada@example.com"),)), NOW)
