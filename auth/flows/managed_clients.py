"""Clients of pools by API. A declared pool may have some, too; those that its file declares are the file's."""

import secrets
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from auth.client import Client
from auth.core.client_rules import check_client
from auth.errors import InvalidParameter, ResourceNotFound
from auth.flows.managed_pools import ManagedPools, declared
from auth.pool import Pool
from auth.store.ports import ClientSecret, ManagementStore

MAX_CLIENTS: Final = 1_000
MAX_SECRETS: Final = 2  # the one that goes and the one that comes
_ID_LETTERS: Final = string.ascii_lowercase + string.digits
_ID_CHARS: Final = 26


class ManagedClients:
    def __init__(self, pools: ManagedPools, store: ManagementStore) -> None:
        self._pools = pools
        self._store = store

    def get(self, pool_id: str, client_id: str, now: datetime) -> tuple[Pool, Client]:
        """As they are now. :raises ResourceNotFound: there is none, or it is of another pool."""
        pool = self._pools.get(pool_id, now)
        for client in self._pools.clients(pool_id):
            if client.client_id == client_id:
                return pool, client
        raise ResourceNotFound(f"User pool client {client_id} does not exist.")

    def all(self, pool_id: str, now: datetime) -> tuple[Client, ...]:
        """By id."""
        self._pools.get(pool_id, now)
        return tuple(sorted(self._pools.clients(pool_id), key=lambda client: client.client_id))

    def create(
        self, pool_id: str, make: Callable[[Pool], Client], now: datetime, secret: str | None
    ) -> Client:
        """:param make: its id is made here. :param secret: None: with ``has_secret`` one is made.

        :raises InvalidParameter, InvalidOAuthFlow, ScopeDoesNotExist: it cannot be that. :raises LimitExceeded.
        """
        pool = self._pools.get(pool_id, now)
        if pool.is_closed:
            raise declared("User pool", pool.pool_id, pool)
        own = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_CHARS))
        new = replace(make(pool), client_id=own, pool_id=pool_id, source="api")
        check_client(pool, new)
        self._store.create_client(new, now, secret=secret, limit=MAX_CLIENTS)
        self._pools.record("client_created", pool, now, target=own)
        return self.get(pool_id, own, now)[1]

    def update(
        self, pool_id: str, client_id: str, make: Callable[[Pool, Client], Client], now: datetime
    ) -> Client:
        """:raises ConcurrentModification: somebody else has changed it meanwhile. Else as `create`."""
        pool, seen = self.get(pool_id, client_id, now)
        _require_api(pool, seen)
        after = make(pool, seen)
        check_client(pool, after)
        self._store.update_client(after, now)
        self._pools.record("client_changed", pool, now, target=client_id)
        return self.get(pool_id, client_id, now)[1]

    def delete(self, pool_id: str, client_id: str, now: datetime) -> None:
        pool, seen = self.get(pool_id, client_id, now)
        _require_api(pool, seen)
        self._store.delete_client(client_id)
        self._pools.record("client_deleted", pool, now, target=client_id)
        self._pools.get(pool_id, now)

    # --- secrets ---

    def secrets(self, client: Client, now: datetime) -> tuple[ClientSecret, ...]:
        """Newest first."""
        return self._store.secrets(client.client_id, now)

    def add_secret(self, pool_id: str, client_id: str, secret: str | None, now: datetime) -> ClientSecret:
        """Beside the one that there is, so that programs can go over to it. :raises LimitExceeded: two are there."""
        pool, client = self.get(pool_id, client_id, now)
        _require_api(pool, client, "secret")
        _require_secret(client)
        added = self._store.add_secret(client_id, now, secret=secret, limit=MAX_SECRETS)
        self._pools.record("client_secret_made", pool, now, target=client_id)
        return added

    def delete_secret(self, pool_id: str, client_id: str, secret_id: str, now: datetime) -> None:
        """:raises ResourceNotFound: there is none. :raises InvalidParameter: it is the last one."""
        pool, client = self.get(pool_id, client_id, now)
        _require_api(pool, client, "secret")
        _require_secret(client)
        self._store.delete_secret(client_id, secret_id, now)
        self._pools.record("client_secret_deleted", pool, now, target=client_id)


def _require_api(pool: Pool, client: Client, *key: str) -> None:
    if client.source == "file":
        raise declared("User pool client", client.client_id, pool, "clients", client.name, *key)


def _require_secret(client: Client) -> None:
    if not client.has_secret:
        raise InvalidParameter(f"Client {client.client_id} is configured without secret.")
