"""Pools and clients that the API makes and changes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from auth.client import Client
from auth.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """:param secret_id: names it among its client's; it tells nothing of the secret."""

    secret_id: str
    secret: str = field(repr=False)
    created_at: datetime


class ManagementStore(Protocol):
    def create_pool(self, pool: Pool, now: datetime, *, limit: int) -> None:
        """:raises LimitExceeded: there are *limit* pools already."""
        ...

    def update_pool(self, pool: Pool, now: datetime) -> None:
        """Write it over the one that was seen: *pool* has its version.

        :raises ConcurrentModification: it was changed since. :raises ResourceNotFound: it was deleted.
        :raises InvalidParameter: its domain is another pool's.
        """
        ...

    def create_client(self, client: Client, now: datetime, *, secret: str | None, limit: int) -> None:
        """:param secret: None: with ``has_secret`` one is made.

        :raises LimitExceeded: the pool has *limit* clients already. :raises ResourceNotFound: the pool was deleted.
        """
        ...

    def update_client(self, client: Client, now: datetime) -> None:
        """Write it over the one that was seen: *client* has its ``updated_at``.

        :raises ConcurrentModification: it was changed since. :raises ResourceNotFound: it was deleted.
        """
        ...

    def delete_client(self, client_id: str) -> None:
        """With its secrets. :raises ResourceNotFound: there is none."""
        ...

    def secrets(self, client_id: str, now: datetime) -> tuple[ClientSecret, ...]:
        """Those that are valid, newest first."""
        ...

    def add_secret(self, client_id: str, now: datetime, *, secret: str | None, limit: int) -> ClientSecret:
        """Beside those that there are. :param secret: None: one is made.

        :raises LimitExceeded: *limit* are valid already. :raises InvalidParameter: it is one of them.
        """
        ...

    def delete_secret(self, client_id: str, secret_id: str, now: datetime) -> None:
        """:raises ResourceNotFound: there is none. :raises InvalidParameter: it is the last one."""
        ...
