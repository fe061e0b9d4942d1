"""Resource servers by API: which scopes there are beside the standard ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from auth.errors import InvalidParameter, LimitExceeded, ResourceNotFound
from auth.flows.managed_pools import ManagedPools, declared
from auth.pool import Added, Pool

MAX_SERVERS: Final = 25
MAX_SCOPES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceServer:
    """:param scopes: name → what it allows."""

    pool_id: str
    identifier: str
    name: str
    scopes: Mapping[str, str]


class ManagedServers:
    def __init__(self, pools: ManagedPools) -> None:
        self._pools = pools

    def all(self, pool_id: str, now: datetime) -> tuple[ResourceServer, ...]:
        """By identifier; those that a file declares among them."""
        pool = self._pools.get(pool_id, now)
        return tuple(_server(pool, identifier) for identifier in sorted(pool.servers))

    def get(self, pool_id: str, identifier: str, now: datetime) -> ResourceServer:
        """:raises ResourceNotFound: there is none."""
        pool = self._pools.get(pool_id, now)
        _require(pool, identifier)
        return _server(pool, identifier)

    def create(self, server: ResourceServer, now: datetime) -> ResourceServer:
        """:raises InvalidParameter: there is one. :raises LimitExceeded: there are too many."""

        def added(pool: Pool) -> Pool:
            if server.identifier in pool.servers:
                raise InvalidParameter(f"{server.identifier} already exists in user pool {pool.pool_id}.")
            if len(pool.servers) >= MAX_SERVERS:
                raise LimitExceeded(f"Maximum number of resource servers is {MAX_SERVERS}.")
            return _with(pool, server)

        return _server(self._pools.change(server.pool_id, added, now), server.identifier)

    def update(self, server: ResourceServer, now: datetime) -> ResourceServer:
        """Scopes that are no more are granted to nobody from now on, whatever clients may ask for.

        :raises ResourceNotFound: there is none. :raises InvalidParameter: it is declared.
        """

        def changed(pool: Pool) -> Pool:
            _require_own(pool, server.identifier)
            return _with(pool, server)

        return _server(self._pools.change(server.pool_id, changed, now), server.identifier)

    def delete(self, pool_id: str, identifier: str, now: datetime) -> None:
        def without(pool: Pool) -> Pool:
            _require_own(pool, identifier)
            return replace(pool, added=_without(pool.added, identifier))

        self._pools.change(pool_id, without, now)


def _require(pool: Pool, identifier: str) -> None:
    if identifier not in pool.servers:
        raise ResourceNotFound(f"Resource server {identifier} does not exist.")


def _require_own(pool: Pool, identifier: str) -> None:
    _require(pool, identifier)
    if identifier in pool.resource_servers:
        raise declared("Resource server", identifier, pool, "resource_servers", identifier)


def _server(pool: Pool, identifier: str) -> ResourceServer:
    return ResourceServer(
        pool_id=pool.pool_id,
        identifier=identifier,
        name=pool.added.server_names.get(identifier, identifier),
        scopes=pool.servers[identifier],
    )


def _with(pool: Pool, server: ResourceServer) -> Pool:
    if len(server.scopes) > MAX_SCOPES:
        raise LimitExceeded(f"Maximum number of scopes of a resource server is {MAX_SCOPES}.")
    added = replace(
        pool.added,
        resource_servers={**pool.added.resource_servers, server.identifier: dict(server.scopes)},
        server_names={**pool.added.server_names, server.identifier: server.name},
    )
    return replace(pool, added=added)


def _without(added: Added, identifier: str) -> Added:
    return replace(
        added,
        resource_servers={key: each for key, each in added.resource_servers.items() if key != identifier},
        server_names={key: each for key, each in added.server_names.items() if key != identifier},
    )
