"""What SRP knows of a password lives and dies with the password, and opens in its own row only."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from auth.core.srp import N
from auth.sealing import SealBroken
from auth.store.ports import ResetPassword, SrpVerifier
from auth.store.ports.secrets import ConfirmUser
from auth.store.sql import SqlStore
from auth.store.sql import tables as t
from tests.support.auth_store import CLIENT, HOUR, MINUTE, NOW, POOL, declared, new_user, peopled

VERIFIER = SrpVerifier(user_id="sub-1", salt=bytes(range(16)), verifier=N - 5)
OTHER = SrpVerifier(user_id="sub-1", salt=b"x" * 16, verifier=7)


def test_one_that_is_written_with_its_password_is_read_again(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    store.users.create(new_user(verifier=VERIFIER), NOW)
    assert store.srp.get(POOL, "sub-1") == VERIFIER
    assert store.srp.get(POOL, "nobody") is None

    store.users.set_password(POOL, "sub-1", "hash-2", NOW + MINUTE, verifier=OTHER)
    assert store.srp.get(POOL, "sub-1") == OTHER


def test_a_password_without_one_leaves_none(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    store.users.create(new_user(verifier=VERIFIER), NOW)
    store.users.set_password(POOL, "sub-1", "hash-2", NOW)
    assert store.srp.get(POOL, "sub-1") is None


def test_one_of_an_earlier_password_is_none(store: SqlStore) -> None:
    """A process of an older version writes the password alone."""
    store.pools.declare([declared()], NOW)
    store.users.create(new_user(verifier=VERIFIER), NOW)
    with store.database.write() as connection:
        connection.execute(update(t.passwords).values(set_at=NOW + MINUTE))
    assert store.srp.get(POOL, "sub-1") is None


def test_one_that_is_made_later_is_of_the_password_that_was_seen(store: SqlStore) -> None:
    peopled(store)
    assert store.srp.get(POOL, "sub-1") is None
    assert not store.srp.put(POOL, "sub-1", VERIFIER, "hash-0")
    assert store.srp.get(POOL, "sub-1") is None
    assert store.srp.put(POOL, "sub-1", VERIFIER, "hash-1")
    assert store.srp.get(POOL, "sub-1") == VERIFIER
    store.users.rehash(POOL, "sub-1", "hash-1", "hash-better")
    assert store.srp.get(POOL, "sub-1") == VERIFIER


def test_a_reset_replaces_it_in_the_same_transaction(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    store.users.create(new_user(verifier=VERIFIER), NOW)
    store.codes.put(POOL, "sub-1", "reset", "123456", "a@example.com", NOW + HOUR, NOW)
    effect = ResetPassword(sub="sub-1", hash="hash-2", verifier=OTHER)
    store.codes.use(POOL, "sub-1", "reset", "123456", NOW + MINUTE, effect)
    assert store.srp.get(POOL, "sub-1") == OTHER


@pytest.mark.parametrize(("hash", "kept"), [("hash-1", VERIFIER), ("hash-2", None)])
def test_a_confirmation_with_the_same_password_keeps_it(
    store: SqlStore, hash: str, kept: SrpVerifier | None
) -> None:
    store.pools.declare([declared()], NOW)
    store.users.create(new_user(verifier=VERIFIER, status="UNCONFIRMED"), NOW)
    store.codes.put(POOL, "sub-1", "sign_up", "123456", "a@example.com", NOW + HOUR, NOW)
    store.codes.use(POOL, "sub-1", "sign_up", "123456", NOW + MINUTE, ConfirmUser(sub="sub-1", hash=hash))
    assert store.srp.get(POOL, "sub-1") == kept


def test_it_goes_with_its_user(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    store.users.create(new_user(verifier=VERIFIER), NOW)
    store.users.delete(POOL, "sub-1", NOW)
    with store.database.read() as connection:
        assert connection.execute(select(t.srp_verifiers)).first() is None


def test_it_is_sealed_for_its_row(store: SqlStore) -> None:
    """B9: it is a fast hash of the password, so nobody reads it without the key outside the database."""
    store.pools.declare([declared()], NOW)
    store.users.create(new_user(verifier=VERIFIER), NOW)
    store.users.create(new_user("sub-2", verifier=OTHER), NOW)
    of = t.srp_verifiers.c
    with store.database.write() as connection:
        kept = connection.execute(select(of.verifier).where(of.sub == "sub-1")).scalar_one()
        connection.execute(update(t.srp_verifiers).where(of.sub == "sub-2").values(verifier=kept))
    assert VERIFIER.verifier.to_bytes(384, "big") not in kept
    assert store.srp.get(POOL, "sub-1") == VERIFIER
    with pytest.raises(SealBroken):
        store.srp.get(POOL, "sub-2")


def test_a_pool_knows_whether_one_of_its_open_clients_uses_srp(store: SqlStore) -> None:
    one = declared()
    store.pools.declare([one], NOW)
    assert [pool.takes_srp for pool in store.pools.pools()] == [False]

    client = replace(one.clients[0], flows=frozenset({"srp"}))
    with_srp = replace(one, clients=(client,))
    store.pools.declare([with_srp], NOW)
    assert [pool.takes_srp for pool in store.pools.pools()] == [True]
    version = store.pools.version()
    store.pools.declare([with_srp], NOW)
    assert store.pools.version() == version  # it is no change of what is declared

    store.pools.declare(
        [replace(one, clients=(replace(client, client_id="client2", name="b", flows=frozenset()),))], NOW
    )
    assert [pool.takes_srp for pool in store.pools.pools()] == [False]
    assert client.client_id == CLIENT
