"""What the management side of the Cognito API works with: pools, their clients, resource servers and domains."""

from dataclasses import dataclass

from auth.directory import Directory
from auth.flows.managed_clients import ManagedClients
from auth.flows.managed_domains import ManagedDomains
from auth.flows.managed_pools import ManagedPools
from auth.flows.managed_servers import ManagedServers
from auth.flows.tools import Tools
from auth.tokens.keyring import KeyRing
from kit.names import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Management:
    """:param names: ARNs and ids are made of account and region."""

    pools: ManagedPools
    clients: ManagedClients
    resource_servers: ManagedServers
    domains: ManagedDomains
    names: Names


def make_management(tools: Tools, directory: Directory, keyring: KeyRing, names: Names) -> Management:
    pools = ManagedPools(tools, directory, keyring, names.region)
    return Management(
        pools=pools,
        clients=ManagedClients(pools, tools.store.management),
        resource_servers=ManagedServers(pools),
        domains=ManagedDomains(pools),
        names=names,
    )
