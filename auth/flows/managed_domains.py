"""Domains of pools by API. Every pool is served under the one address of the auth listener: a domain is a name that
can be looked up and that leads there; no other host answers because of it."""

from dataclasses import replace
from datetime import datetime

from auth.errors import InvalidParameter, ResourceNotFound
from auth.flows.managed_pools import ManagedPools
from auth.pool import Pool


class ManagedDomains:
    def __init__(self, pools: ManagedPools) -> None:
        self._pools = pools

    def create(self, pool_id: str, domain: str, now: datetime) -> None:
        """:raises InvalidParameter: the pool has one, or the name is another pool's."""

        def named(pool: Pool) -> Pool:
            if pool.added.domain:
                raise InvalidParameter("User pool already has a domain configured.")
            return replace(pool, added=replace(pool.added, domain=domain))

        self._pools.change(pool_id, named, now)

    def find(self, domain: str, now: datetime) -> Pool | None:
        return next((pool for pool in self._pools.all(now) if pool.added.domain == domain), None)

    def require(self, pool_id: str, domain: str, now: datetime) -> Pool:
        """:raises ResourceNotFound: it is not that pool's."""
        pool = self._pools.get(pool_id, now)
        if pool.added.domain != domain:
            raise ResourceNotFound(f"Domain {domain} does not exist.")
        return pool

    def delete(self, pool_id: str, domain: str, now: datetime) -> None:
        def nameless(pool: Pool) -> Pool:
            if pool.added.domain != domain:
                raise InvalidParameter("No such domain or user pool exists.")
            return replace(pool, added=replace(pool.added, domain=""))

        self._pools.change(pool_id, nameless, now)
