"""Pools and clients: declared by a file, or made by the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from auth.client import Client
from auth.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One pool as the file says it, with its clients. :param secrets: client id → secret that the file gives;
    a client with ``has_secret`` that is not in it keeps its generated one, or gets one."""

    pool: Pool
    clients: tuple[Client, ...]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class PoolStore(Protocol):
    def declare(self, declared: Sequence[Declared], now: datetime) -> tuple[str, ...]:
        """Create and update what the file declares, in one transaction; what vanished from it is closed, never deleted.

        :returns: sentences for the operator, such as that a pool is closed now.
        :raises InvalidParameter: it contradicts what exists (an id that another pool has, a pool that was renamed
            without ``id:`` and has users).
        """
        ...

    def check(self, declared: Sequence[Declared]) -> tuple[str, ...]:
        """The same judgement without a change."""
        ...

    def version(self) -> int:
        """Grows with every change of a pool or client: what caches compare."""
        ...

    def pools(self) -> tuple[Pool, ...]: ...

    def clients(self) -> tuple[Client, ...]: ...

    def client_secrets(self, client_id: str, now: datetime) -> tuple[str, ...]:
        """Those that are valid, newest first."""
        ...

    def new_client_secret(self, client_id: str, now: datetime, old_until: datetime | None) -> str:
        """Make one; earlier ones end at *old_until*, or at once."""
        ...

    def delete_pool(self, pool_id: str) -> None:
        """With all its people. :raises ResourceNotFound: there is none."""
        ...

    def count_users(self, pool_id: str) -> int: ...
