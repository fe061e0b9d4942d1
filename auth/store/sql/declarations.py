"""Whether what a file declares agrees with what is there, and what to tell the operator. Pure; it changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auth.client import Client
from auth.errors import InvalidParameter
from auth.pool import Pool
from auth.store.ports import Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the database has. :param has_users: ids of pools with people in them."""

    pools: Mapping[str, Pool]
    clients: Mapping[str, Client]
    has_users: frozenset[str]

    def vanished_pools(self, declared: Sequence[Declared]) -> tuple[Pool, ...]:
        ids = {one.pool.pool_id for one in declared}
        return tuple(p for p in self.pools.values() if p.source == "file" and p.pool_id not in ids)

    def vanished_clients(self, declared: Sequence[Declared]) -> tuple[Client, ...]:
        """Also those of pools that have vanished."""
        ids = {client.client_id for one in declared for client in one.clients}
        return tuple(c for c in self.clients.values() if c.source == "file" and c.client_id not in ids)


def judge(standing: Standing, declared: Sequence[Declared]) -> tuple[str, ...]:
    """:returns: a sentence for each pool or client that is closed because of it.

    :raises InvalidParameter: it contradicts what exists.
    """
    _once([one.pool.pool_id for one in declared], "user pool id")
    _once([one.pool.name for one in declared], "user pool")
    _once([client.client_id for one in declared for client in one.clients], "client id")
    for one in declared:
        _judge_pool(standing, one.pool)
        _once([client.name for client in one.clients], f"client of user pool {one.pool.name}")
        for client in one.clients:
            _judge_client(standing, one.pool, client)
    _judge_renames(standing, declared)
    pools = (
        f"user pool {pool.name} ({pool.pool_id}) is no longer declared: it is closed, its people are kept; "
        f"`lockgate pool delete {pool.pool_id} --yes` deletes both"
        for pool in standing.vanished_pools(declared)
    )
    kept = {one.pool.pool_id for one in declared}
    clients = (
        f"client {client.name} ({client.client_id}) is no longer declared: it is closed"
        for client in standing.vanished_clients(declared)
        if client.pool_id in kept
    )
    return (*pools, *clients)


def _once(names: Sequence[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InvalidParameter(f"{what} {name} is declared twice")


def _judge_pool(standing: Standing, pool: Pool) -> None:
    same_id = standing.pools.get(pool.pool_id)
    if same_id is not None and same_id.source != "file":
        raise InvalidParameter(f"user pool id {pool.pool_id} belongs to a pool that was made by the API")
    for other in standing.pools.values():
        if other.source == "file" and other.name == pool.name and other.pool_id != pool.pool_id:
            raise InvalidParameter(
                f"user pool {pool.name} has the id {other.pool_id} here: declare `id: {other.pool_id}`, "
                f"or delete that one with `lockgate pool delete {other.pool_id} --yes`"
            )


def _judge_client(standing: Standing, pool: Pool, client: Client) -> None:
    if client.pool_id != pool.pool_id:
        raise InvalidParameter(f"client {client.name} is of another pool than {pool.name}")
    same_id = standing.clients.get(client.client_id)
    if same_id is not None and same_id.pool_id != pool.pool_id:
        raise InvalidParameter(
            f"client id {client.client_id} belongs to a client of user pool {same_id.pool_id}"
        )
    if same_id is not None and same_id.source != "file":
        raise InvalidParameter(f"client id {client.client_id} belongs to a client that was made by the API")
    for other in standing.clients.values():
        is_namesake = (other.source, other.pool_id, other.name) == ("file", pool.pool_id, client.name)
        if is_namesake and other.client_id != client.client_id:
            raise InvalidParameter(
                f"client {client.name} of user pool {pool.name} has the id {other.client_id} here: "
                f"declare `id: {other.client_id}`, or give the new one another name"
            )


def _judge_renames(standing: Standing, declared: Sequence[Declared]) -> None:
    """A pool that vanishes in the load in which a new one appears was renamed, as far as anybody can see."""
    new = [one.pool for one in declared if one.pool.pool_id not in standing.pools]
    for old in standing.vanished_pools(declared):
        if new and not old.is_closed and old.pool_id in standing.has_users:
            raise InvalidParameter(
                f"user pool {old.name} has people and is no longer declared, while {new[0].name} is new: to rename "
                f"it, declare {new[0].name} with `id: {old.pool_id}`; else load the file once without {new[0].name}"
            )
