"""The pools and clients that exist, in memory: looked up on every request, read again only when something changed."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from auth.client import Client
from auth.errors import ResourceNotFound
from auth.pool import Pool
from auth.store.ports import PoolStore

_LOOK_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    version: int = -1
    pools: Mapping[str, Pool] = field(default_factory=dict)
    clients: Mapping[str, Client] = field(default_factory=dict)


class Directory:
    """Closed ones are in it too: their people can be shown and deleted, though nobody signs in.

    Any thread may read: a refresh swaps one reference.
    """

    def __init__(self, store: PoolStore) -> None:
        self._store = store
        self._now = _Snapshot()
        self._looked_at: datetime | None = None
        self._reading = (
            threading.Lock()
        )  # so that no thread puts what it read before over what another read later

    def __repr__(self) -> str:
        return f"<Directory pools={len(self._now.pools)} clients={len(self._now.clients)}>"

    def refresh(self, now: datetime) -> None:
        """Blocks on the database, at most once a second; a clock that jumps back does not stop it."""
        if self._looked_at is not None and abs(now - self._looked_at) < _LOOK_AGAIN:
            return
        if self._reading.acquire(blocking=False):
            try:
                self._read(now)
            finally:
                self._reading.release()

    def renew(self, now: datetime) -> None:
        """See now what was changed until now: for whoever has changed something, or is about to."""
        with self._reading:
            self._read(now)

    def _read(self, now: datetime) -> None:
        version = self._store.version()  # before the rows: a change in between is seen by the next refresh
        if version != self._now.version:
            pools = {pool.pool_id: pool for pool in self._store.pools()}
            clients = {client.client_id: client for client in self._store.clients()}
            self._now = _Snapshot(version, pools, clients)
        self._looked_at = now

    def pool(self, pool_id: str) -> Pool:
        """:raises ResourceNotFound: there is none."""
        pool = self._now.pools.get(pool_id)
        if pool is None:
            raise ResourceNotFound("User pool does not exist.")
        return pool

    def client(self, client_id: str) -> Client:
        """:raises ResourceNotFound: there is none."""
        client = self._now.clients.get(client_id)
        if client is None:
            raise ResourceNotFound("User pool client does not exist.")
        return client

    def pools(self) -> tuple[Pool, ...]:
        return tuple(self._now.pools.values())

    def clients(self, pool_id: str) -> tuple[Client, ...]:
        return tuple(client for client in self._now.clients.values() if client.pool_id == pool_id)
