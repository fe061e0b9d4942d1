"""The firewall's rules as text for ``iptables-restore``: a function of what exists now.

The whole text is rendered and set at once, every time; so nothing has to be undone rule by rule, and rules that
somebody has removed come back. Three chains of the instance's own: what its containers send beyond their bridge
(and what comes to them), what they send to this machine, and where the Internet is judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from executor.drivers.docker.network.allowed import Allowed

# C4: what is never the Internet. Source: RFC 6890 and RFC 1918, 3927, 5771, 6598; documentation ranges are left out.
DENIED = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
# A refusal that a program sees at once ("No route to host"), where silence would use up its timeout.
REFUSE = "-j REJECT --reject-with icmp-admin-prohibited"

_NEIGHBOURS = ("neighbour-solicitation", "neighbour-advertisement")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    forward: str
    input: str
    internet: str

    @classmethod
    def of(cls, instance: str) -> "Chains":
        """:param instance: 8 hex digits; a chain's name may have 28 characters."""
        return cls(
            forward=f"LOCKGATE-{instance}",
            input=f"LOCKGATE-{instance}-HOST",
            internet=f"LOCKGATE-{instance}-INET",
        )

    def __iter__(self) -> Iterator[str]:
        return iter((self.forward, self.input, self.internet))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """One of the instance's own. :param is_open: its containers may reach the Internet."""

    device: str
    gateway: IPv4Address
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A container on a bridge of somebody else's. Its `mac` is what it cannot change, without capabilities."""

    device: str
    mac: str
    address: IPv4Address
    subnet: IPv4Network
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one container may reach beside the rest: `source` is the match that finds its packets."""

    source: str
    target: Allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that the firewall is to hold, in IPv4; of IPv6 nothing passes."""

    chains: Chains
    port: int
    bridges: Sequence[Bridge]
    name_servers: Sequence[IPv4Address] = ()
    joined: Sequence[Joined] = ()
    allowances: Sequence[Allowance] = ()

    def ipv4(self) -> str:
        return _restore(self.chains, (*self._forward(), *self._input(), *self._internet()))

    def ipv6(self) -> str:
        """Its bridges have none; a link-local address that a kernel gives all the same reaches nothing."""
        own = [f"-i {bridge.device}" for bridge in self.bridges]
        joined = [f"-i {each.device} -m mac --mac-source {each.mac}" for each in self.joined]
        # Neighbours are still found, so that a try of IPv6 fails at once and not after a timeout.
        lines = [
            f"-A {chain} {source} -p ipv6-icmp --icmpv6-type {kind} -j RETURN"
            for chain in (self.chains.forward, self.chains.input)
            for source in joined
            for kind in _NEIGHBOURS
        ]
        for chain in (self.chains.forward, self.chains.input):
            lines += [f"-A {chain} {source} -j REJECT" for source in (*own, *joined)]
        lines += [f"-A {self.chains.forward} -o {bridge.device} -j DROP" for bridge in self.bridges]
        return _restore(self.chains, lines)

    def _forward(self) -> Iterator[str]:
        chain = f"-A {self.chains.forward}"
        yield from self._allowances(self.chains.forward)
        for bridge in self.bridges:
            judged = f"-g {self.chains.internet}" if bridge.is_open else REFUSE
            yield f"{chain} -i {bridge.device} {judged}"
            # Replies come back, also from other bridges, which the engine's own rules would drop; nothing else does.
            yield f"{chain} -o {bridge.device} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
            yield f"{chain} -o {bridge.device} -j DROP"  # C4: no inbound
        for each in self.joined:  # nobody calls a function, other functions of the joined network included
            yield f"{chain} -o {each.device} -d {each.address} -m conntrack --ctstate NEW {REFUSE}"
        for each in self.joined:
            source = f"{chain} -i {each.device} -m mac --mac-source {each.mac}"
            yield f"{source} -d {each.subnet} -j RETURN"
            yield f"{source} -g {self.chains.internet}" if each.is_open else f"{source} {REFUSE}"

    def _input(self) -> Iterator[str]:
        """To this machine, all of its addresses: the Runtime API's, and a name server's where it is one of them."""
        chain = f"-A {self.chains.input}"
        yield from self._allowances(self.chains.input)
        for bridge in self.bridges:
            source = f"{chain} -i {bridge.device}"
            yield f"{source} -d {bridge.gateway} -p tcp --dport {self.port} -j ACCEPT"
            yield from self._questions(source, bridge.is_open, "ACCEPT")
            yield f"{source} {REFUSE}"  # C4: nothing else of this machine
        for each in self.joined:
            source = f"{chain} -i {each.device} -m mac --mac-source {each.mac}"
            yield from self._questions(source, each.is_open, "ACCEPT")
            yield f"{source} {REFUSE}"  # C4: nor by an address that it has on a joined network

    def _internet(self) -> Iterator[str]:
        chain = f"-A {self.chains.internet}"
        yield from self._questions(chain, True, "RETURN")
        for network in DENIED:
            yield f"{chain} -d {network} {REFUSE}"

    def _questions(self, source: str, is_open: bool, verdict: str) -> Iterator[str]:
        """The engine's resolver in each container asks these servers from within the container's network."""
        if is_open:
            for server in self.name_servers:
                for protocol in ("udp", "tcp"):
                    yield f"{source} -d {server} -p {protocol} --dport 53 -j {verdict}"

    def _allowances(self, chain: str) -> Iterator[str]:
        """By the address that the container asked for: a published port of the machine has another one by now."""
        for each in self.allowances:
            original = f"-m conntrack --ctorigdst {each.target.address}"
            if each.target.port is None:
                yield f"-A {chain} {each.source} {original} -j ACCEPT"
                continue
            for protocol in ("tcp", "udp"):
                port = f"--ctorigdstport {each.target.port}"
                yield f"-A {chain} {each.source} -p {protocol} {original} {port} -j ACCEPT"


def _restore(chains: Chains, lines: Sequence[str]) -> str:
    declared = [
        f":{chain} - [0:0]" for chain in chains
    ]  # declaring an own chain empties it, in the same step
    return "\n".join(("*filter", *declared, *lines, "COMMIT", ""))
