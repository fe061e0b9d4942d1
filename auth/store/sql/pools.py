"""Pools and clients: what the file declares is created and updated, what vanished from it is closed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Select, delete, func, select, update

from auth.client import Client
from auth.errors import ResourceNotFound
from auth.pool import Pool
from auth.sealing import Sealer
from auth.store.ports import Declared
from auth.store.sql import tables as t
from auth.store.sql.client_secrets import end_secrets, new_secret, valid_secrets, write_secret
from auth.store.sql.configs import client_config, pool_config, read_client, read_pool, row_name
from auth.store.sql.declarations import Standing, judge
from auth.store.sql.statements import grow, put
from kit.sql import Database

DELETE_S = 600.0  # a pool of many people
_VERSION = "pools"


class SqlPools:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def declare(self, declared: Sequence[Declared], now: datetime) -> tuple[str, ...]:
        with self._db.write() as connection:
            grow(connection, _VERSION, by=0)  # first: who declares at the same time waits here
            standing = _standing(connection)
            told = judge(standing, declared)
            changed = [self._declare_one(connection, standing, one, now) for one in declared]
            changed.append(_close(connection, standing, declared, now))
            if any(changed):
                grow(connection, _VERSION)
            return told

    def check(self, declared: Sequence[Declared]) -> tuple[str, ...]:
        with self._db.read() as connection:
            return judge(_standing(connection), declared)

    def _declare_one(
        self, connection: Connection, standing: Standing, declared: Declared, now: datetime
    ) -> bool:
        changed = _put_pool(connection, standing, declared.pool, now)
        for client in declared.clients:
            changed |= _put_client(connection, standing, client, now)
            if client.has_secret:
                changed |= self._settle_secret(connection, client.client_id, declared, now)
        return changed

    def _settle_secret(
        self, connection: Connection, client_id: str, declared: Declared, now: datetime
    ) -> bool:
        valid = self._valid(connection, client_id, now)
        given = declared.secrets.get(client_id)
        if (given is None and valid) or (given is not None and valid[:1] == (given,)):
            return False
        self._add_secret(connection, client_id, given or new_secret(), now, old_until=None)
        return True

    def version(self) -> int:
        with self._db.read() as connection:
            found = connection.execute(
                select(t.versions.c.value).where(t.versions.c.name == _VERSION)
            ).scalar()
        return int(found or 0)

    def pools(self) -> tuple[Pool, ...]:
        with self._db.read() as connection:
            rows = connection.execute(select(t.pools).order_by(t.pools.c.pool_id)).mappings().all()
            clients = connection.execute(
                select(t.clients).where(t.clients.c.orphaned_at.is_(None))
            ).mappings()
            with_srp = {row["pool_id"] for row in clients if "srp" in row["config"]["flows"]}
            return tuple(read_pool(dict(row), takes_srp=row["pool_id"] in with_srp) for row in rows)

    def clients(self) -> tuple[Client, ...]:
        with self._db.read() as connection:
            rows = connection.execute(select(t.clients).order_by(t.clients.c.client_id)).mappings()
            return tuple(read_client(dict(row)) for row in rows)

    def client_secrets(self, client_id: str, now: datetime) -> tuple[str, ...]:
        with self._db.read() as connection:
            return self._valid(connection, client_id, now)

    def new_client_secret(self, client_id: str, now: datetime, old_until: datetime | None) -> str:
        secret = new_secret()
        with self._db.write() as connection:
            if (
                connection.execute(select(t.clients.c.name).where(t.clients.c.client_id == client_id)).first()
                is None
            ):
                raise ResourceNotFound(f"User pool client {client_id} does not exist.")
            self._add_secret(connection, client_id, secret, now, old_until=old_until)
            grow(connection, _VERSION)
        return secret

    def delete_pool(self, pool_id: str) -> None:
        with self._db.write(seconds=DELETE_S) as connection:
            if connection.execute(delete(t.pools).where(t.pools.c.pool_id == pool_id)).rowcount != 1:
                raise ResourceNotFound(f"User pool {pool_id} does not exist.")
            for table in (t.codes, t.attempts, t.challenges, t.revocations):
                connection.execute(delete(table).where(table.c.pool_id == pool_id))
            connection.execute(delete(t.versions).where(t.versions.c.name == f"keys:{pool_id}"))
            grow(connection, _VERSION)

    def count_users(self, pool_id: str) -> int:
        with self._db.read() as connection:
            return int(connection.execute(_count(pool_id)).scalar_one())

    def _valid(self, connection: Connection, client_id: str, now: datetime) -> tuple[str, ...]:
        return tuple(one.secret for one in valid_secrets(connection, self._sealer, client_id, now))

    def _add_secret(
        self,
        connection: Connection,
        client_id: str,
        secret: str,
        now: datetime,
        *,
        old_until: datetime | None,
    ) -> None:
        end_secrets(connection, client_id, old_until or now)
        write_secret(connection, self._sealer, client_id, secret, now)


def _standing(connection: Connection) -> Standing:
    pools = [read_pool(dict(row)) for row in connection.execute(select(t.pools)).mappings()]
    clients = [read_client(dict(row)) for row in connection.execute(select(t.clients)).mappings()]
    has_users = frozenset(connection.execute(select(t.users.c.pool_id).distinct()).scalars())
    return Standing(
        pools={pool.pool_id: pool for pool in pools},
        clients={client.client_id: client for client in clients},
        has_users=has_users,
    )


def _put_pool(connection: Connection, standing: Standing, pool: Pool, now: datetime) -> bool:
    seen = standing.pools.get(pool.pool_id)
    if seen is not None:
        pool = replace(pool, added=seen.added)  # no file declares that
    config = pool_config(pool)
    is_same = (
        seen is not None and not seen.is_closed and seen.name == pool.name and pool_config(seen) == config
    )
    if is_same:
        return False
    put(
        connection,
        t.pools,
        pool_id=pool.pool_id,
        name=row_name(pool),
        source=pool.source,
        config=config,
        config_version=1 if seen is None else seen.version + 1,
        created_at=now,
        updated_at=now,
        orphaned_at=None,
    )
    _put_groups(connection, pool, now)
    return True


def _put_groups(connection: Connection, pool: Pool, now: datetime) -> None:
    for precedence, name in enumerate(pool.groups):
        put(
            connection,
            t.groups,
            pool_id=pool.pool_id,
            name=name,
            precedence=precedence,
            description="",
            source="file",
            created_at=now,
            updated_at=now,
        )


def _put_client(connection: Connection, standing: Standing, client: Client, now: datetime) -> bool:
    seen = standing.clients.get(client.client_id)
    config = client_config(client)
    if seen is not None and not seen.is_closed and seen.name == client.name and client_config(seen) == config:
        return False
    put(
        connection,
        t.clients,
        client_id=client.client_id,
        pool_id=client.pool_id,
        name=row_name(client),
        source=client.source,
        config=config,
        created_at=now,
        updated_at=now,
        orphaned_at=None,
    )
    return True


def _close(connection: Connection, standing: Standing, declared: Sequence[Declared], now: datetime) -> bool:
    pools = standing.vanished_pools(declared)
    clients = standing.vanished_clients(declared)
    for table, key, ids in (
        (t.pools, t.pools.c.pool_id, [pool.pool_id for pool in pools]),
        (t.clients, t.clients.c.client_id, [client.client_id for client in clients]),
    ):
        if ids:
            is_open = table.c.orphaned_at.is_(None)
            connection.execute(update(table).where(key.in_(ids), is_open).values(orphaned_at=now))
    return not all([*(pool.is_closed for pool in pools), *(client.is_closed for client in clients)])


def _count(pool_id: str) -> Select[int]:
    return select(func.count()).select_from(t.users).where(t.users.c.pool_id == pool_id)
