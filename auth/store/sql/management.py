"""Pools and clients of the API. Whoever writes holds the row that counts changes, so that what is counted stays so."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from auth.client import Client
from auth.errors import ConcurrentModification, InvalidParameter, LimitExceeded, ResourceNotFound
from auth.pool import Pool
from auth.sealing import Sealer
from auth.store.ports.management import ClientSecret
from auth.store.sql import tables as t
from auth.store.sql.client_secrets import new_secret, valid_secrets, write_secret
from auth.store.sql.configs import client_config, pool_config, read_pool, row_name
from auth.store.sql.statements import grow
from kit.sql import Database

VERSION = "pools"
_TICK = timedelta(milliseconds=1)


class SqlManagement:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def create_pool(self, pool: Pool, now: datetime, *, limit: int) -> None:
        with self._db.write() as connection:
            grow(connection, VERSION)  # first: who writes at the same time waits here
            if _count(connection, select(func.count()).select_from(t.pools)) >= limit:
                raise LimitExceeded(f"Maximum number of user pools is {limit}.")
            connection.execute(
                t.pools.insert().values(
                    pool_id=pool.pool_id,
                    name=row_name(pool),
                    source=pool.source,
                    config=pool_config(pool),
                    config_version=1,
                    created_at=now,
                    updated_at=now,
                )
            )

    def update_pool(self, pool: Pool, now: datetime) -> None:
        of = t.pools.c
        with self._db.write() as connection:
            grow(connection, VERSION)
            _require_domain(connection, pool)
            done = connection.execute(
                update(t.pools)
                .where(of.pool_id == pool.pool_id, of.config_version == pool.version)
                .values(config=pool_config(pool), config_version=of.config_version + 1, updated_at=now)
            )
            if done.rowcount != 1:
                raise _lost(connection, pool.pool_id)

    def create_client(self, client: Client, now: datetime, *, secret: str | None, limit: int) -> None:
        mine = select(func.count()).select_from(t.clients).where(t.clients.c.pool_id == client.pool_id)
        try:
            with self._db.write() as connection:
                grow(connection, VERSION)
                if _count(connection, mine) >= limit:
                    raise LimitExceeded(f"Maximum number of clients of a user pool is {limit}.")
                connection.execute(
                    t.clients.insert().values(
                        client_id=client.client_id,
                        pool_id=client.pool_id,
                        name=row_name(client),
                        source=client.source,
                        config=client_config(client),
                        created_at=now,
                        updated_at=now,
                    )
                )
                if client.has_secret:
                    write_secret(connection, self._sealer, client.client_id, secret or new_secret(), now)
        except IntegrityError as error:  # the foreign key: the pool was deleted meanwhile
            raise _no_pool(client.pool_id) from error

    def update_client(self, client: Client, now: datetime) -> None:
        of = t.clients.c
        seen = client.updated_at or now
        with self._db.write() as connection:
            grow(connection, VERSION)
            done = connection.execute(
                update(t.clients)
                .where(of.client_id == client.client_id, of.updated_at == seen, of.source == "api")
                .values(config=client_config(client), updated_at=max(now, seen + _TICK))
            )
            if done.rowcount == 1:
                return
            if not _has_client(connection, client.client_id):
                raise _no_client(client.client_id)
            raise ConcurrentModification

    def delete_client(self, client_id: str) -> None:
        with self._db.write() as connection:
            grow(connection, VERSION)
            if connection.execute(delete(t.clients).where(t.clients.c.client_id == client_id)).rowcount != 1:
                raise _no_client(client_id)

    def secrets(self, client_id: str, now: datetime) -> tuple[ClientSecret, ...]:
        with self._db.read() as connection:
            return valid_secrets(connection, self._sealer, client_id, now)

    def add_secret(self, client_id: str, now: datetime, *, secret: str | None, limit: int) -> ClientSecret:
        with self._db.write() as connection:
            grow(connection, VERSION)
            if not _has_client(connection, client_id):
                raise _no_client(client_id)
            valid = valid_secrets(connection, self._sealer, client_id, now)
            if len(valid) >= limit:
                raise LimitExceeded(f"Maximum number of secrets of a client is {limit}.")
            if secret in [one.secret for one in valid]:
                raise InvalidParameter("The client has this secret already.")
            return write_secret(connection, self._sealer, client_id, secret or new_secret(), now)

    def delete_secret(self, client_id: str, secret_id: str, now: datetime) -> None:
        of = t.client_secrets.c
        with self._db.write() as connection:
            grow(connection, VERSION)
            valid = [one.secret_id for one in valid_secrets(connection, self._sealer, client_id, now)]
            if secret_id not in valid:
                raise ResourceNotFound(f"Client secret {secret_id} does not exist.")
            if len(valid) == 1:
                raise InvalidParameter("The last secret of a client cannot be deleted.")
            connection.execute(
                delete(t.client_secrets).where(of.client_id == client_id, of.secret_id == secret_id)
            )


def _require_domain(connection: Connection, pool: Pool) -> None:
    if not pool.added.domain:
        return
    others = connection.execute(select(t.pools).where(t.pools.c.pool_id != pool.pool_id)).mappings()
    if any(read_pool(dict(row)).added.domain == pool.added.domain for row in others):
        raise InvalidParameter("Domain already associated with another user pool.")


def _count(connection: Connection, statement: Select[int]) -> int:
    return int(connection.execute(statement).scalar_one())


def _has_client(connection: Connection, client_id: str) -> bool:
    found = connection.execute(select(t.clients.c.client_id).where(t.clients.c.client_id == client_id))
    return found.first() is not None


def _lost(connection: Connection, pool_id: str) -> Exception:
    found = connection.execute(select(t.pools.c.pool_id).where(t.pools.c.pool_id == pool_id)).first()
    return _no_pool(pool_id) if found is None else ConcurrentModification()


def _no_pool(pool_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"User pool {pool_id} does not exist.")


def _no_client(client_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"User pool client {client_id} does not exist.")
