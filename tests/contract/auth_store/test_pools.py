"""What a file declares, and what is there."""

from dataclasses import replace

import pytest

from auth.client import Client
from auth.errors import InvalidParameter, ResourceNotFound
from auth.pool import AttributeRule, Brand, Lifetimes, PasswordPolicy, Pool
from auth.store.ports import Declared
from auth.store.sql import SqlStore
from tests.support.auth_store import CLIENT, HOUR, NOW, POOL, a_grant, declared, new_user, peopled

RICH_POOL = Pool(
    pool_id=POOL,
    name="main",
    sign_in_with=frozenset({"email", "phone"}),
    self_sign_up=True,
    password=PasswordPolicy(min_length=12, require=frozenset({"digit", "symbol"}), history=3),
    mfa="optional",
    attributes=(AttributeRule(name="tenant", is_mutable=False), AttributeRule(name="age", type="number")),
    groups=("admins", "staff"),
    resource_servers={"https://notes": {"read": "Read notes"}},
    lifetimes=Lifetimes(id_s=300.0, refresh_grace_s=0.0),
    triggers={"PreSignUp": "check"},
    brand=Brand(name="Notes", colour="#102030", logo="/logo.svg"),
)
RICH_CLIENT = Client(
    client_id=CLIENT,
    pool_id=POOL,
    name="web",
    flows=frozenset({"code", "refresh"}),
    redirect_uris=("https://a/cb", "https://b/cb"),
    logout_uris=("https://a/",),
    scopes=("openid", "https://notes/read"),
    rotates_refresh=True,
    has_secret=True,
    hides_users=False,
    lifetimes=Lifetimes(access_s=60.0),
    challenge_s=60.0,
)


def test_all_that_was_declared_is_read_back(store: SqlStore) -> None:
    store.pools.declare([Declared(pool=RICH_POOL, clients=(RICH_CLIENT,))], NOW)

    assert store.pools.pools() == (replace(RICH_POOL, version=1),)
    assert store.pools.clients() == (RICH_CLIENT,)
    assert [name for name, _, _ in store.users.groups(POOL)] == ["admins", "staff"]


def test_version_grows_with_a_change_only(store: SqlStore) -> None:
    before = store.pools.version()
    store.pools.declare([declared()], NOW)
    first = store.pools.version()
    store.pools.declare([declared()], NOW + HOUR)
    again = store.pools.version()
    store.pools.declare([declared(self_sign_up=True)], NOW + HOUR)

    assert before < first == again < store.pools.version()
    assert store.pools.pools()[0].version == 2


def test_a_vanished_pool_is_closed_and_kept_and_opens_again(store: SqlStore) -> None:
    peopled(store)

    told = store.pools.declare([], NOW)

    assert "main" in told[0]
    assert "kept" in told[0]
    assert store.pools.pools()[0].is_closed
    assert store.pools.clients()[0].is_closed
    assert store.pools.count_users(POOL) == 1
    assert store.pools.declare([declared()], NOW) == ()
    assert not store.pools.pools()[0].is_closed
    assert not store.pools.clients()[0].is_closed


def test_a_vanished_client_is_closed(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)

    told = store.pools.declare([replace(declared(), clients=())], NOW)

    assert "web" in told[0]
    assert store.pools.clients()[0].is_closed
    assert not store.pools.pools()[0].is_closed


def test_check_tells_the_same_and_changes_nothing(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    version = store.pools.version()

    assert store.pools.check([]) == store.pools.check([])
    assert "main" in store.pools.check([])[0]
    assert store.pools.version() == version
    assert not store.pools.pools()[0].is_closed


def test_a_renamed_pool_with_people_is_refused_unless_it_keeps_its_id(store: SqlStore) -> None:
    peopled(store)
    renamed = replace(declared("us-east-1_Other0001", "other"), clients=())

    with pytest.raises(InvalidParameter, match=f"id: {POOL}"):
        store.pools.declare([renamed], NOW)
    assert [pool.name for pool in store.pools.pools()] == ["main"]
    store.pools.declare([declared(name="other")], NOW)
    assert [pool.name for pool in store.pools.pools()] == ["other"]


def test_a_renamed_pool_without_people_is_a_new_one(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)

    store.pools.declare([replace(declared("us-east-1_Other0001", "other"), clients=())], NOW)

    assert {pool.name: pool.is_closed for pool in store.pools.pools()} == {"main": True, "other": False}


def test_ids_of_others_are_refused(store: SqlStore) -> None:
    store.pools.declare([declared()], NOW)
    taken = declared("us-east-1_Other0001", "other")

    with pytest.raises(InvalidParameter, match="client id client1"):
        store.pools.declare([replace(declared(), clients=()), taken], NOW)
    with pytest.raises(InvalidParameter, match=POOL):
        store.pools.declare([replace(declared("us-east-1_Other0001"), clients=())], NOW)
    with pytest.raises(InvalidParameter, match="twice"):
        store.pools.check([declared(), declared()])
    other_id = replace(declared().clients[0], client_id="client2")
    with pytest.raises(InvalidParameter, match="id: client1"):
        store.pools.declare([replace(declared(), clients=(other_id,))], NOW)


def test_a_secret_is_made_once_and_shown_again(store: SqlStore) -> None:
    with_secret = Declared(pool=RICH_POOL, clients=(RICH_CLIENT,))
    store.pools.declare([with_secret], NOW)
    made = store.pools.client_secrets(CLIENT, NOW)
    store.pools.declare([with_secret], NOW + HOUR)

    assert len(made) == 1
    assert len(made[0]) == 52
    assert store.pools.client_secrets(CLIENT, NOW + HOUR) == made


def test_a_secret_is_long_and_sealed(store: SqlStore) -> None:
    """A17: 128 bits and more, and whoever reads the table does not have it. Twin: the server does."""
    client = Client(client_id=CLIENT, pool_id=POOL, name="web", has_secret=True)
    store.pools.declare([Declared(pool=declared().pool, clients=(client,))], NOW)
    secret = store.pools.client_secrets(CLIENT, NOW)[0]
    with store.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM client_secrets").all()

    assert len(secret) * 5 >= 128  # of 36 letters
    assert len(set(secret)) > 8
    assert rows
    kept = [bytes(value) for row in rows for value in row if isinstance(value, bytes | memoryview)]
    assert not any(secret.encode() in value for value in kept)
    assert secret not in str(rows)


def test_a_secret_of_the_file_replaces_the_made_one(store: SqlStore) -> None:
    store.pools.declare([Declared(pool=RICH_POOL, clients=(RICH_CLIENT,))], NOW)

    for given in ("given-1", "given-2", "given-1"):
        one = Declared(pool=RICH_POOL, clients=(RICH_CLIENT,), secrets={CLIENT: given})
        store.pools.declare([one], NOW)
        assert store.pools.client_secrets(CLIENT, NOW) == (given,)


def test_the_old_secret_works_until_its_end(store: SqlStore) -> None:
    store.pools.declare([Declared(pool=RICH_POOL, clients=(RICH_CLIENT,))], NOW)
    (old,) = store.pools.client_secrets(CLIENT, NOW)

    new = store.pools.new_client_secret(CLIENT, NOW, NOW + HOUR)

    assert store.pools.client_secrets(CLIENT, NOW) == (new, old)
    assert store.pools.client_secrets(CLIENT, NOW + HOUR) == (new,)
    newest = store.pools.new_client_secret(CLIENT, NOW, None)
    assert store.pools.client_secrets(CLIENT, NOW) == (newest,)
    with pytest.raises(ResourceNotFound):
        store.pools.new_client_secret("nobody", NOW, None)


def test_a_deleted_pool_takes_all_with_it(store: SqlStore) -> None:
    peopled(store)
    store.grants.start(a_grant(), NOW, refresh=True)

    store.pools.delete_pool(POOL)

    assert store.pools.pools() == ()
    assert store.users.find(POOL, "sub-1") is None
    assert store.grants.live("grant-1", NOW) is None
    with pytest.raises(ResourceNotFound):
        store.pools.delete_pool(POOL)
    store.pools.declare([declared()], NOW)
    assert store.pools.count_users(POOL) == 0
    store.users.create(new_user(), NOW)
    assert store.pools.count_users(POOL) == 1
