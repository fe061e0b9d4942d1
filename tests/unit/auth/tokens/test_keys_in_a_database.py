"""J17: two processes' rings over one database: sealed at rest, one winner of a rotation, seen by the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.store.sql import SqlStore
from auth.tokens.judge import Judge
from auth.tokens.keyring import PUBLISHED_S, KeyRing
from auth.tokens.tokens import Tokens
from tests.support.auth_store import declared, opened
from tests.support.token_world import CLIENT, NOW, POOL, issuer_of, later, live

POOL_ID = POOL.pool_id


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[SqlStore, SqlStore]]:
    url = f"sqlite:///{tmp_path}/auth.db"
    with opened(url, tmp_path) as one, opened(url, tmp_path) as two:
        one.pools.declare([declared()], NOW)
        yield one, two


def test_two_processes_sign_and_verify_with_the_same_keys(stores: tuple[SqlStore, SqlStore]) -> None:
    """J17: through a rotation in the other one."""
    one, two = (KeyRing(store.keys) for store in stores)
    for ring in (one, two):
        ring.ensure(POOL_ID, NOW)
    assert one.jwks(POOL_ID) == two.jwks(POOL_ID)
    two.refresh(NOW)
    before = two.signer(POOL_ID, "access").kid
    now = later(seconds=PUBLISHED_S)
    assert one.rotate(POOL_ID, "access", now)
    assert not two.rotate(POOL_ID, "access", now)
    token = Tokens(one, issuer_of).of_grant(POOL, CLIENT, live(), now=now).access_token
    assert Judge(two, issuer_of).access(token, now)
    assert two.signer(POOL_ID, "access").kid != before
    assert one.jwks(POOL_ID) == two.jwks(POOL_ID)


def test_private_keys_are_sealed_at_rest(stores: tuple[SqlStore, SqlStore], tmp_path: Path) -> None:
    """J17: no file of the database shows one; the key that opens them is for its owner only."""
    ring = KeyRing(stores[0].keys)
    ring.ensure(POOL_ID, NOW)
    pem = stores[0].keys.keys(POOL_ID)[0].private_pem
    written = b"".join(file.read_bytes() for file in tmp_path.glob("auth.db*"))
    assert ring.signer(POOL_ID, "id").kid.encode() in written
    assert b"PRIVATE KEY" in pem
    assert b"PRIVATE KEY" not in written
    assert pem[100:140] not in written
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
