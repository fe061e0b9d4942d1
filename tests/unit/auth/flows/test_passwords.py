"""What SRP has to know of a password is kept wherever one is set, in pools with a client for it."""

from dataclasses import replace
from pathlib import Path

import pytest

from auth.core import srp
from auth.core.steps import Challenge
from auth.flows.passwords import srp_id
from tests.support.user_pool import CLIENT, ORIGIN, PASSWORD, POOL, UserPool

SRP_CLIENT = replace(CLIENT, flows=frozenset({"srp", "password", "refresh"}))
NEW = "another horse battery"


def knows(people: UserPool, password: str, username: str = "ada") -> bool:
    """Whether SRP has a verifier of exactly that password."""
    user = people.user(username)
    kept = people.store.srp.get(people.pool.pool_id, user.sub)
    if kept is None:
        return False
    salt = int.from_bytes(kept.salt, "big")
    return kept.verifier == srp.verifier(people.pool.key_name, kept.user_id, password, salt)


def test_every_way_to_set_a_password_keeps_a_verifier(tmp_path: Path) -> None:
    with UserPool(tmp_path, client=SRP_CLIENT) as people:
        people.sign_up.sign_up(
            people.pool,
            people.client,
            "ada",
            PASSWORD,
            {"email": "ada@example.com"},
            origin=ORIGIN,
            now=people.now,
        )
        assert knows(people, PASSWORD)
        people.sign_up.confirm(
            people.pool, people.client, "ada", people.code(), origin=ORIGIN, now=people.now
        )
        assert knows(people, PASSWORD)

        sub = people.user("ada").sub
        people.account.change_password(
            people.pool, sub, PASSWORD, NEW, grant_id=None, origin=ORIGIN, now=people.clock.move(1)
        )
        assert knows(people, NEW)

        people.recovery.forgot(people.pool, people.client, "ada", origin=ORIGIN, now=people.clock.move(1))
        people.recovery.reset(
            people.pool, people.client, "ada", people.code(), PASSWORD, origin=ORIGIN, now=people.now
        )
        assert knows(people, PASSWORD)

        people.administration.set_password(
            people.pool, "ada", NEW, is_permanent=False, now=people.clock.move(1)
        )
        assert knows(people, NEW)

        challenged = people.log_in("ada", NEW)
        assert isinstance(challenged, Challenge)
        people.clock.move(1)
        people.answer("NEW_PASSWORD_REQUIRED", challenged.handle, {"NEW_PASSWORD": PASSWORD})
        assert knows(people, PASSWORD)

        people.administration.create_user(people.pool, "bob", {}, password=NEW, now=people.now)
        assert knows(people, NEW, "bob")


def test_without_such_a_client_nothing_is_kept(tmp_path: Path) -> None:
    """B9: what can be guessed fast does not exist where nobody needs it."""
    with UserPool(tmp_path) as people:
        people.add("ada")
        assert people.is_let_in("ada")
        assert people.store.srp.get(people.pool.pool_id, people.user("ada").sub) is None


def test_a_sign_in_with_the_password_makes_the_one_that_is_missing(tmp_path: Path) -> None:
    with UserPool(tmp_path) as before:
        before.add("ada")
        store = before.store
        with UserPool(tmp_path, client=SRP_CLIENT, store=store) as people:
            assert not knows(people, PASSWORD)
            with pytest.raises(Exception, match="Incorrect"):
                people.log_in("ada", "a wrong one, that is long")
            assert not knows(people, PASSWORD)
            assert people.is_let_in("ada")
            assert knows(people, PASSWORD)
            kept = store.srp.get(people.pool.pool_id, people.user("ada").sub)
            assert people.is_let_in("ada")
            assert store.srp.get(people.pool.pool_id, people.user("ada").sub) == kept


@pytest.mark.parametrize(
    ("ways", "username", "expected"),
    [
        pytest.param({"username"}, "Ada", "ada", id="names: the one form of it"),
        pytest.param({"username", "email"}, "Ada", "sub-1", id="names and addresses"),
        pytest.param({"email"}, "sub-1", "sub-1", id="addresses: the name is the sub"),
    ],
)
def test_the_name_that_clients_hash(ways: set[str], username: str, expected: str) -> None:
    """B6: it tells neither how somebody writes their name, nor who has an address."""
    pool = replace(POOL, sign_in_with=frozenset(ways))
    assert srp_id(pool, "sub-1", username) == expected
