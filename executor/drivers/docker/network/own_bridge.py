"""The instance's own networks on the engine: made at start, removed at the end, of a subnet that nobody has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import islice
from typing import Any
from urllib.parse import quote

from executor.drivers.docker.engine.errors import EngineError, NotFound
from executor.drivers.docker.network import machine
from executor.drivers.docker.network.calls import EngineCalls
from executor.drivers.docker.network.rules import Bridge
from executor.drivers.docker.network.subnet import Addresses, NoSubnet, free_subnets
from kit.names import Names

_ATTEMPTS = 16  # another program may take a subnet between our look and our request
_OPTION = "com.docker.network.bridge"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnBridge:
    """:param is_open: its containers may reach the Internet."""

    name: str
    device: str
    subnet: IPv4Network
    addresses: Addresses
    is_open: bool

    @property
    def gateway(self) -> IPv4Address:
        """The machine's address on it, where the Runtime API listens."""
        return self.subnet.network_address + 1

    def guarded(self) -> Bridge:
        return Bridge(device=self.device, gateway=self.gateway, is_open=self.is_open)


def name_of(instance: str, *, is_open: bool) -> str:
    return f"lockgate-{instance}" if is_open else f"lockgate-{instance}-closed"


async def make(engine: EngineCalls, names: Names, *, is_open: bool, is_internal: bool) -> OwnBridge:
    """Make it anew.

    :param is_internal: the engine gives its containers no way out: for a closed one where no rules can be set.
    :raises EngineFault: :raises NoSubnet:
    """
    name = name_of(names.instance, is_open=is_open)
    device = f"lg{names.instance}{'o' if is_open else 'c'}"  # 15 characters at most
    await remove(engine, name)
    taken = await _taken(engine)
    for subnet in islice(free_subnets(names.instance, taken), _ATTEMPTS):
        bridge = OwnBridge(
            name=name, device=device, subnet=subnet, addresses=Addresses(subnet), is_open=is_open
        )
        document = _document(bridge, names, is_internal=is_internal)
        try:
            await engine.request("POST", "/networks/create", body=document)
        except EngineError as error:
            if "overlap" in error.message or "conflict" in error.message:
                continue
            raise
        return bridge
    raise NoSubnet("no subnet is free for functions: every candidate overlaps with a route or a network")


def _document(bridge: OwnBridge, names: Names, *, is_internal: bool) -> dict[str, Any]:
    options = {
        f"{_OPTION}.name": bridge.device,
        f"{_OPTION}.enable_icc": "false",  # C4: no traffic between containers
    }
    mtu = machine.uplink_mtu()
    if mtu is not None:
        options["com.docker.network.driver.mtu"] = str(mtu)
    return {
        "Name": bridge.name,
        "Driver": "bridge",
        "Internal": is_internal,
        "EnableIPv6": False,
        "Labels": {"lockgate.instance": names.instance, "lockgate.epoch": str(names.epoch)},
        "IPAM": {"Config": [{"Subnet": str(bridge.subnet), "Gateway": str(bridge.gateway)}]},
        "Options": options,
    }


async def remove(engine: EngineCalls, name: str) -> None:
    """Idempotent; what is still connected is cut off first. :raises EngineFault:"""
    path = f"/networks/{quote(name, safe='')}"
    try:
        found = await engine.request("GET", path)
        for container in found.get("Containers") or {}:
            await engine.request("POST", f"{path}/disconnect", body={"Container": container, "Force": True})
        await engine.request("DELETE", path)
    except NotFound:
        return


async def _taken(engine: EngineCalls) -> tuple[IPv4Network, ...]:
    listed: Iterable[Mapping[str, Any]] = await engine.request("GET", "/networks")
    configs = [config for each in listed for config in (each.get("IPAM") or {}).get("Config") or ()]
    subnets = [str(config.get("Subnet") or "") for config in configs]
    of_engine = [IPv4Network(text, strict=False) for text in subnets if text and ":" not in text]
    servers = [IPv4Network(server) for server in machine.name_servers()]
    return (*of_engine, *servers, *machine.routed_networks())
