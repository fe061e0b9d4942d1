"""Pools and clients that the API makes, on every database; and two who change them at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from auth.client import Client
from auth.errors import ConcurrentModification, InvalidParameter, LimitExceeded, ResourceNotFound
from auth.pool import Added, AttributeRule, Lifetimes, Pool
from auth.store.sql import SqlStore
from tests.support.auth_store import CLIENT, HOUR, NOW, POOL, declared, new_user

MADE = "us-east-1_Made00001"
RICH_POOL = Pool(
    pool_id=MADE,
    name="main",
    source="api",
    attributes=(AttributeRule(name="age", type="number", least=1, most=9),),
    standard=(AttributeRule(name="email", is_required=True),),
    auto_verified=frozenset(),
    recovery=("admin_only",),
    first_factors=("PASSWORD", "EMAIL_OTP"),
    mfa="optional",
    mfa_kinds=frozenset({"email", "software_token"}),
    claims_event="2",
    is_protected=True,
    added=Added(
        tags={"a": "b"},
        domain="made",
        resource_servers={"notes": {"read": "Read notes"}},
        server_names={"notes": "Notes"},
    ),
)
RICH_CLIENT = Client(
    client_id="made-client",
    pool_id=MADE,
    name="web",
    source="api",
    flows=frozenset({"srp", "admin_password"}),
    has_secret=True,
    lifetimes=Lifetimes(access_s=600.0),
    validity_units={"access_s": "minutes"},
    explicit_flows=("ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"),
    providers=("COGNITO",),
    read_attributes=frozenset({"email"}),
    write_attributes=frozenset(),
)


def a_pool(pool_id: str = MADE, **changes: Any) -> Pool:
    return Pool(pool_id=pool_id, name="made", source="api", **changes)


def stored(store: SqlStore, pool_id: str = MADE) -> Pool:
    return next(pool for pool in store.pools.pools() if pool.pool_id == pool_id)


def stored_client(store: SqlStore, client_id: str = RICH_CLIENT.client_id) -> Client:
    return next(client for client in store.pools.clients() if client.client_id == client_id)


def made(store: SqlStore) -> None:
    store.management.create_pool(RICH_POOL, NOW, limit=10)
    store.management.create_client(RICH_CLIENT, NOW, secret=None, limit=10)


def test_all_that_was_made_is_read_back(store: SqlStore) -> None:
    made(store)

    assert stored(store) == replace(RICH_POOL, version=1)
    assert stored_client(store) == RICH_CLIENT
    assert stored(store).takes_srp
    assert (stored(store).created_at, stored(store).updated_at) == (NOW, NOW)


def test_every_change_is_seen_by_caches(store: SqlStore) -> None:
    def of_last_secret() -> str:
        return store.management.secrets(RICH_CLIENT.client_id, NOW)[0].secret_id

    changes: list[Callable[[], object]] = [
        lambda: store.management.create_pool(RICH_POOL, NOW, limit=10),
        lambda: store.management.create_client(RICH_CLIENT, NOW, secret=None, limit=10),
        lambda: store.management.update_pool(replace(stored(store), mfa="none"), NOW),
        lambda: store.management.update_client(replace(stored_client(store), challenge_s=60.0), NOW),
        lambda: store.management.add_secret(RICH_CLIENT.client_id, NOW, secret=None, limit=2),
        lambda: store.management.delete_secret(RICH_CLIENT.client_id, of_last_secret(), NOW),
        lambda: store.management.delete_client(RICH_CLIENT.client_id),
        lambda: store.pools.delete_pool(MADE),
    ]
    for change in changes:
        before = store.pools.version()
        change()
        assert store.pools.version() > before


def test_names_are_shared_with_declared_ones(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    made(store)
    store.management.create_pool(a_pool("us-east-1_Made00002"), NOW, limit=10)
    store.management.create_pool(a_pool("us-east-1_Made00003"), NOW, limit=10)
    beside = replace(RICH_CLIENT, client_id="beside", pool_id=POOL, has_secret=False)
    store.management.create_client(beside, NOW, secret=None, limit=10)
    store.pools.declare([declared(self_sign_up=True)], NOW)

    assert [pool.name for pool in store.pools.pools()].count("main") == 2
    assert {client.client_id for client in store.pools.clients() if client.pool_id == POOL} == {
        CLIENT,
        "beside",
    }
    assert not stored(store).is_closed
    assert not stored_client(store, "beside").is_closed


def test_a_declaration_keeps_what_was_added(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    added = Added(tags={"a": "b"}, domain="here")
    store.management.update_pool(replace(stored(store, POOL), added=added), NOW)
    version = store.pools.version()
    store.pools.declare([declared()], NOW)
    assert store.pools.version() == version
    store.pools.declare([declared(self_sign_up=True)], NOW)

    assert stored(store, POOL).added == added
    assert stored(store, POOL).self_sign_up


def test_a_pool_that_was_changed_since_is_not_written_over(store: SqlStore) -> None:
    made(store)
    seen = stored(store)
    store.management.update_pool(replace(seen, mfa="none"), NOW)

    with pytest.raises(ConcurrentModification):
        store.management.update_pool(replace(seen, mfa="required"), NOW)
    assert stored(store).mfa == "none"
    store.management.update_pool(replace(stored(store), mfa="required"), NOW)
    assert stored(store).mfa == "required"


def test_a_client_that_was_changed_since_is_not_written_over(store: SqlStore) -> None:
    """Also when both changes are of one millisecond."""
    made(store)
    seen = stored_client(store)
    store.management.update_client(replace(seen, challenge_s=60.0), NOW)

    with pytest.raises(ConcurrentModification):
        store.management.update_client(replace(seen, challenge_s=240.0), NOW)
    assert stored_client(store).challenge_s == 60.0
    store.management.update_client(replace(stored_client(store), challenge_s=240.0), NOW)
    assert stored_client(store).challenge_s == 240.0


def test_of_many_who_change_one_pool_at_once_one_wins(store: SqlStore) -> None:
    made(store)
    seen = stored(store)

    def change(number: int) -> bool:
        try:
            store.management.update_pool(replace(seen, added=Added(tags={"by": str(number)})), NOW)
        except ConcurrentModification:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        won = list(threads.map(change, range(4)))
    assert won.count(True) == 1
    assert stored(store).added.tags == {"by": str(won.index(True))}


def test_of_many_who_want_the_last_place_one_gets_it(store: SqlStore) -> None:
    store.management.create_pool(a_pool(), NOW, limit=1)

    def create(number: int) -> bool:
        new = replace(RICH_CLIENT, client_id=f"client-{number}", has_secret=False)
        try:
            store.management.create_client(new, NOW, secret=None, limit=1)
        except LimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(create, range(4))).count(True) == 1
    assert len(store.pools.clients()) == 1
    with pytest.raises(LimitExceeded):
        store.management.create_pool(a_pool("us-east-1_Made00002"), NOW, limit=1)


def test_a_domain_is_one_pools(store: SqlStore) -> None:
    made(store)
    store.management.create_pool(a_pool("us-east-1_Made00002"), NOW, limit=10)
    other = stored(store, "us-east-1_Made00002")

    with pytest.raises(InvalidParameter):
        store.management.update_pool(replace(other, added=Added(domain="made")), NOW)
    store.management.update_pool(replace(other, added=Added(domain="other")), NOW)
    assert stored(store, other.pool_id).added.domain == "other"


def test_what_is_gone_is_not_found(store: SqlStore) -> None:
    made(store)
    pool, client = stored(store), stored_client(store)
    store.users.create(replace(new_user(), pool_id=MADE), NOW)
    store.pools.delete_pool(MADE)

    for act in (
        lambda: store.management.update_pool(pool, NOW),
        lambda: store.management.update_client(client, NOW),
        lambda: store.management.delete_client(client.client_id),
        lambda: store.management.create_client(client, NOW, secret=None, limit=10),
        lambda: store.management.add_secret(client.client_id, NOW, secret=None, limit=2),
    ):
        with pytest.raises(ResourceNotFound):
            act()
    assert store.management.secrets(client.client_id, NOW) == ()


def test_a_declared_client_is_not_written_over(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    seen = stored_client(store, CLIENT)

    with pytest.raises(ConcurrentModification):
        store.management.update_client(replace(seen, challenge_s=60.0), NOW)
    assert stored_client(store, CLIENT) == seen


def test_secrets_stand_beside_each_other(store: SqlStore) -> None:
    made(store)
    (first,) = store.management.secrets(RICH_CLIENT.client_id, NOW)
    given = "given-secret-of-24-letters"
    later = NOW + HOUR
    added = store.management.add_secret(RICH_CLIENT.client_id, later, secret=given, limit=2)

    assert store.pools.client_secrets(RICH_CLIENT.client_id, later) == (given, first.secret)
    with pytest.raises(LimitExceeded):
        store.management.add_secret(RICH_CLIENT.client_id, later, secret=None, limit=2)
    with pytest.raises(InvalidParameter):
        store.management.add_secret(RICH_CLIENT.client_id, later, secret=given, limit=3)
    with pytest.raises(ResourceNotFound):
        store.management.delete_secret(RICH_CLIENT.client_id, "none", later)
    store.management.delete_secret(RICH_CLIENT.client_id, first.secret_id, later)
    with pytest.raises(InvalidParameter):
        store.management.delete_secret(RICH_CLIENT.client_id, added.secret_id, later)
    assert store.pools.client_secrets(RICH_CLIENT.client_id, later) == (given,)
