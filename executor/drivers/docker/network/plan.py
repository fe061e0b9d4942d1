"""What a container is told about its networks when it is made."""

from collections.abc import Mapping
from dataclasses import dataclass

from executor.revision import NetworkConfig

# Values of `EnvironmentShape.egress`. A closed container has an address, for the Runtime API and for `allow`.
INTERNET, CLOSED, NONE = "internet", "closed", "none"


def egress_of(config: NetworkConfig, *, by_host: bool) -> str:
    """The egress class of a function's containers.

    :param by_host: its runtime is an official client, which needs an address to find the Runtime API.
    """
    if config.egress == "internet":
        return INTERNET
    return CLOSED if by_host or config.allow else NONE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkPlan:
    """For one container, from before it is made until it is removed.

    :param mode: ``HostConfig.NetworkMode``. :param endpoints: ``NetworkingConfig.EndpointsConfig``.
    :param connect: networks to connect it to (old engines take one endpoint at create).
    :param is_late: while it is frozen, after its start; else between create and start.
    :param address: of its own on its network, None where it has no network.
    :param gateway: where the Runtime API listens for it. :param dns: ``HostConfig.Dns``; empty: the engine's choice.
    :param dns_options: ``HostConfig.DnsOptions``.
    """

    egress: str
    mode: str
    endpoints: Mapping[str, Mapping[str, object]]
    connect: tuple[str, ...] = ()
    is_late: bool = False
    address: str | None = None
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()

    def extra_hosts(self, host: str) -> tuple[str, ...]:
        """``HostConfig.ExtraHosts`` for the secret name by which the Runtime API knows the container."""
        return () if self.gateway is None else (f"{host}:{self.gateway}",)
