"""The ids of the file's pools and clients, and the issuers that follow from them. Values only.

An id that the file does not give is derived, once: what the state has under a pool's name stays its id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lockgate.config.grammar.file import RoutesFile
from lockgate.config.pool_ids import client_id, pool_id

NOTHING_KNOWN: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolName:
    """:param clients: name → id."""

    pool_id: str
    clients: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolNames:
    """:param auth_url: what issuers begin with; empty where nobody is told one. :param pools: by name."""

    auth_url: str
    pools: Mapping[str, PoolName]

    def issuer(self, name: str) -> str:
        return f"{self.auth_url}/{self.pools[name].pool_id}"


def pool_names(
    file: RoutesFile, *, auth_url: str = "", known: Mapping[str, str] = NOTHING_KNOWN
) -> PoolNames:
    """:param known: pool name → id, of pools that exist."""
    pools = {}
    for name, pool in file.user_pools.items():
        own = pool.id or known.get(name) or pool_id(file.region, name)
        clients = {each: client.id or client_id(own, each) for each, client in pool.clients.items()}
        pools[name] = PoolName(pool_id=own, clients=clients)
    return PoolNames(auth_url=auth_url, pools=pools)
