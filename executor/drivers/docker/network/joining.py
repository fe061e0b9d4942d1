"""Networks of the engine that functions may join: looked up when a container is made, never changed."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any
from urllib.parse import quote

from executor.driver import StartError
from executor.drivers.docker.engine.errors import NotFound
from executor.drivers.docker.network.calls import EngineCalls

_RESERVED = {
    "host": "is the machine's own network, where functions would reach everything that listens on it",
    "none": "is no network: write egress: none",
    "bridge": "is the engine's default network, where containers know no names and all can call each other",
    "default": "is the engine's default network, where containers know no names and all can call each other",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedNetwork:
    name: str
    identity: str
    device: str
    subnet: IPv4Network


async def look_up(engine: EngineCalls, name: str) -> JoinedNetwork:
    """:raises StartError: there is none of that name, or it is of a kind that functions may not join.
    :raises EngineFault:
    """
    if name in _RESERVED or name.startswith("container:"):
        reason = _RESERVED.get(name, "is another container's network")
        raise refused(f'The network "{name}" cannot be joined: it {reason}')
    try:
        found: dict[str, Any] = await engine.request("GET", f"/networks/{quote(name, safe='')}")
    except NotFound as error:
        raise refused(
            f'There is no network "{name}" on the engine: make it with `docker network create {name}`'
        ) from error
    return _checked(name, found)


def _checked(name: str, found: dict[str, Any]) -> JoinedNetwork:
    if found.get("Name") in _RESERVED:  # it was called by its id
        raise refused(f'The network "{name}" cannot be joined: it {_RESERVED[found["Name"]]}')
    if found.get("Driver") != "bridge" or found.get("Scope") != "local":
        kind = found.get("Driver") or "another driver"
        raise refused(f'The network "{name}" cannot be joined: it is of {kind}, and only bridge networks can')
    if (found.get("Labels") or {}).get("lockgate.instance"):  # two functions would meet there
        raise refused(f'The network "{name}" cannot be joined: it is Lockgate\'s own')
    subnets = [_subnet(each) for each in (found.get("IPAM") or {}).get("Config") or ()]
    subnet = next((each for each in subnets if each is not None), None)
    if subnet is None:
        raise refused(f'The network "{name}" cannot be joined: it has no IPv4 addresses')
    options = found.get("Options") or {}
    device = options.get("com.docker.network.bridge.name") or f"br-{found['Id'][:12]}"
    return JoinedNetwork(name=found["Name"], identity=found["Id"], device=device, subnet=subnet)


def _subnet(config: dict[str, Any]) -> IPv4Network | None:
    text = str(config.get("Subnet") or "")
    return None if not text or ":" in text else IPv4Network(text, strict=False)


def refused(message: str) -> StartError:
    return StartError(message, permanent=True, error_type="Runtime.InvalidNetwork")
