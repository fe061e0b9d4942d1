"""The networks of an instance's containers, and what each of them may reach.

A driver asks for a plan before it makes a container, says so when it has started, and gives the plan back when the
container is gone; the rules follow. State: the plans that are out, and the last rules that were set.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any

from executor.driver import StartError
from executor.drivers.docker.network import machine, own_bridge
from executor.drivers.docker.network.allowed import Allowed, parse_allowed
from executor.drivers.docker.network.calls import EngineCalls
from executor.drivers.docker.network.firewall import Firewall
from executor.drivers.docker.network.joining import JoinedNetwork, look_up, refused
from executor.drivers.docker.network.own_bridge import OwnBridge
from executor.drivers.docker.network.plan import CLOSED, INTERNET, NONE, NetworkPlan
from executor.drivers.docker.network.programs import FirewallError
from executor.drivers.docker.network.rules import Allowance, Chains, Joined, Rules
from executor.revision import NetworkConfig
from kit.names import Names

log = logging.getLogger(__name__)

RUNTIME_API_PORT = 9001  # as on Lambda
_NO_RULES = (
    "Functions can reach this machine, its private networks and a cloud's metadata address, because no firewall "
    "rules can be set: {}."
)
_ELSEWHERE = "the engine's networks are not this process's own (rootless, a virtual machine, or a container)"
_NOT_BRIDGED = (
    "Functions can call each other's ports: the kernel does not show traffic within a bridge to the firewall "
    "(load br_netfilter and set net.bridge.bridge-nf-call-iptables=1)."
)
_NO_DNS = (
    "127.0.0.1",
)  # nobody listens there in the container; names on joined networks are found all the same
_NO_DNS_OPTIONS = ("timeout:1", "attempts:1")  # seconds; the engine's resolver does not answer then


@dataclass(slots=True, kw_only=True, eq=False)
class _Held:
    """What is kept of one plan."""

    plan: NetworkPlan
    own: OwnBridge | None
    networks: tuple[JoinedNetwork, ...]
    joined: tuple[Joined, ...] = ()
    allowed: tuple[Allowed, ...] = ()

    def allowances(self) -> Iterable[Allowance]:
        sources = [f"-i {each.device} -m mac --mac-source {each.mac}" for each in self.joined]
        if self.own is not None:
            sources.append(f"-i {self.own.device} -s {self.plan.address}")
        return (Allowance(source=source, target=target) for target in self.allowed for source in sources)


class Networks:
    """:ivar degraded: sentences on what does not hold here."""

    def __init__(self, engine: EngineCalls, names: Names, *, port: int = RUNTIME_API_PORT) -> None:
        self._engine = engine
        self._names = names
        self._port = port
        self._chains = Chains.of(names.instance)
        self._firewall: Firewall | None = None
        self._bridges: dict[str, OwnBridge] = {}
        self._held: dict[NetworkPlan, _Held] = {}
        self._wanted = 0
        self._set = 0
        self._setting = asyncio.Lock()
        self.degraded: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Networks {self._names.instance} plans={len(self._held)} guarded={self.is_guarded}>"

    @property
    def is_guarded(self) -> bool:
        """Whether rules keep containers from what is not theirs."""
        return self._firewall is not None

    @property
    def is_parted(self) -> bool:
        """Whether containers of one bridge are kept from each other."""
        return self._firewall is not None and machine.judges_bridged()

    @property
    def gateways(self) -> tuple[str, ...]:
        """The machine's addresses on its bridges: the Runtime API's host channels listen on them."""
        return tuple(str(bridge.gateway) for bridge in self._bridges.values())

    async def open(self) -> None:
        """Remove what an earlier start left, make the bridges, set the rules. Containers are gone by then.

        :raises EngineFault: :raises NoSubnet:
        """
        self._bridges[INTERNET] = await own_bridge.make(
            self._engine, self._names, is_open=True, is_internal=False
        )
        reason = await self._guard(self._bridges[INTERNET])
        self._bridges[CLOSED] = await own_bridge.make(
            self._engine, self._names, is_open=False, is_internal=not self.is_guarded
        )
        if self.is_guarded:
            await self._settle()
            self.degraded = () if machine.judges_bridged() else (_NOT_BRIDGED,)
        else:
            self.degraded = (_NO_RULES.format(reason),)

    async def _guard(self, bridge: OwnBridge) -> str:
        """:returns: why there can be no rules; "" if there are."""
        if not machine.has_device(bridge.device):
            return _ELSEWHERE
        firewall = Firewall(self._chains)
        try:
            await firewall.open()
            await firewall.apply(self._rules())
        except FirewallError as error:
            return str(error)
        self._firewall = firewall
        return ""

    async def check(self, config: NetworkConfig) -> None:
        """Whether containers of a function could be made, now: its networks are there, its entries are addresses.

        :raises StartError: what cannot be. :raises EngineFault:
        """
        _parsed(config.allow)
        for name in config.join:
            await look_up(self._engine, name)

    async def reserve(self, egress: str, join: Sequence[str] = ()) -> NetworkPlan:
        """An address and networks for a container that is about to be made.

        :param egress: of `egress_of`. :param join: networks of the engine.
        :raises StartError: a network cannot be joined, or there is no address left.
        :raises EngineFault:
        """
        networks = tuple([await look_up(self._engine, name) for name in dict.fromkeys(join)])
        if networks and egress != INTERNET and not self.is_guarded:  # they would be a way out
            raise refused("egress: none cannot be kept on joined networks here: no firewall rules can be set")
        # What it is given on a joined network is known when it is there: it starts on one whose rules hold already.
        own = self._bridges.get(CLOSED if networks and egress == NONE else egress)
        address = None if own is None else _taken_from(own)
        plan = _plan(egress, own, address, tuple(network.name for network in networks))
        if networks and self.is_guarded:
            plan = replace(plan, is_late=True)
        self._held[plan] = _Held(plan=plan, own=own, networks=networks)
        return plan

    async def permit(self, plan: NetworkPlan, allow: Sequence[str]) -> None:
        """Open what one function may reach beside the rest. Before anything of it runs.

        :raises StartError: an entry is none, or the rules could not be set.
        """
        if not allow:
            return
        if not self.is_guarded and plan.egress != INTERNET:
            raise refused("network.allow cannot be kept with egress: none here: no firewall rules can be set")
        self._held[plan].allowed = _parsed(allow)
        await self._settle_or_fail()

    async def attached(self, plan: NetworkPlan, endpoints: Mapping[str, Mapping[str, Any]]) -> None:
        """The container has started: guard it on the networks it has joined.

        :param endpoints: ``NetworkSettings.Networks`` of its inspect.
        :raises StartError: the rules could not be set.
        """
        held = self._held[plan]
        if not held.networks:
            return
        held.joined = tuple(
            _joined(network, endpoints[network.name], is_open=plan.egress == INTERNET)
            for network in held.networks
        )
        await self._settle_or_fail()

    async def release(self, plan: NetworkPlan) -> None:
        """The container is gone: its rules first, then its address. Idempotent."""
        held = self._held.pop(plan, None)
        if held is None:
            return
        if held.joined or held.allowed:
            try:
                await self._settle()
            except FirewallError as error:  # the address stays taken: nobody inherits what it may reach
                log.warning("the rules of a container that is gone are still set: %s", error)
                return
        if held.own is not None and plan.address is not None:
            held.own.addresses.give_back(IPv4Address(plan.address))

    async def refresh(self) -> None:
        """Set the rules again: firewall services that reload themselves forget what others have set."""
        if self._firewall is not None:
            try:
                async with self._setting:
                    await self._firewall.apply(self._rules())
            except FirewallError as error:
                log.error("the rules that keep functions from private networks cannot be set: %s", error)

    async def close(self) -> None:
        """Leave nothing behind. Containers are gone by then. :raises EngineFault:"""
        for bridge in tuple(self._bridges.values()):
            await own_bridge.remove(self._engine, bridge.name)
        self._bridges.clear()
        self._held.clear()
        if self._firewall is not None:
            firewall, self._firewall = self._firewall, None
            async with self._setting:
                await firewall.remove()

    # --- rules -----------------------------------------------------------------------------------

    async def _settle_or_fail(self) -> None:
        try:
            await self._settle()
        except FirewallError as error:
            log.error("the rules of a container cannot be set: %s", error)
            message = "The function's network could not be set up"  # the reason names what is on this machine
            raise StartError(message, permanent=False, error_type="Sandbox.Failure") from error

    async def _settle(self) -> None:
        """Set the rules for what is held now; several who ask at once are served by one setting."""
        if self._firewall is None:
            return
        self._wanted += 1
        mine = self._wanted
        async with self._setting:
            if self._set >= mine or self._firewall is None:
                return
            covered = self._wanted
            await self._firewall.update(self._rules())
            self._set = covered

    def _rules(self) -> Rules:
        held = self._held.values()
        return Rules(
            chains=self._chains,
            port=self._port,
            bridges=[bridge.guarded() for bridge in self._bridges.values()],
            name_servers=machine.name_servers(),
            joined=[each for one in held for each in one.joined],
            allowances=[each for one in held for each in one.allowances()],
        )


def _parsed(allow: Sequence[str]) -> tuple[Allowed, ...]:
    try:
        return tuple(parse_allowed(text) for text in allow)
    except ValueError as error:
        raise refused(f"network.allow: {error}") from error


def _taken_from(bridge: OwnBridge) -> IPv4Address:
    address = bridge.addresses.take()
    if address is None:
        raise StartError(
            "All addresses of the functions' network are in use",
            permanent=False,
            error_type="Sandbox.Failure",
        )
    return address


def _plan(
    egress: str, own: OwnBridge | None, address: IPv4Address | None, names: tuple[str, ...]
) -> NetworkPlan:
    if own is None or address is None:
        return NetworkPlan(egress=egress, mode=NONE, endpoints={})
    return NetworkPlan(
        egress=egress,
        mode=own.name,
        endpoints={own.name: {"IPAMConfig": {"IPv4Address": str(address)}}},
        connect=names,
        address=str(address),
        gateway=str(own.gateway),
        dns=() if own.is_open else _NO_DNS,
        dns_options=() if own.is_open else _NO_DNS_OPTIONS,
    )


def _joined(network: JoinedNetwork, endpoint: Mapping[str, Any], *, is_open: bool) -> Joined:
    return Joined(
        device=network.device,
        mac=str(endpoint["MacAddress"]),
        address=IPv4Address(endpoint["IPAddress"]),
        subnet=network.subnet,
        is_open=is_open,
    )
