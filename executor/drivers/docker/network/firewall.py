"""Sets an instance's rules in the machine's firewall, and takes them away. It touches nobody else's chains.

The engine's chain ``DOCKER-USER`` is where rules for its bridges belong: it comes first and the engine leaves it
alone. Where an engine has none, ``FORWARD`` is taken. State: which program to call, and what was set last.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from executor.drivers.docker.network import machine, programs
from executor.drivers.docker.network.programs import FirewallError
from executor.drivers.docker.network.rules import Chains, Rules

_SUFFIXES = ("", "-nft", "-legacy")  # the one that the machine calls by default, then each of both kinds
_USER, _FORWARD = "DOCKER-USER", "FORWARD"
_WAIT = ("-w", "5")  # seconds, for other programs that change rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """:param parent: the chain that forwarded packets go through before the engine judges them."""

    command: str
    parent: str


class Firewall:
    """All methods raise `FirewallError`."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._ipv4: Family | None = None
        self._ipv6: Family | None = None
        self._last: dict[Family, str] = {}

    async def open(self) -> None:
        """Find the program whose rules the engine's are among."""
        suffix = await _suffix_with_engine()
        self._ipv4 = await _family(f"iptables{suffix}")
        if machine.has_ipv6():
            self._ipv6 = await _family(f"ip6tables{suffix}")

    async def apply(self, rules: Rules) -> None:
        """Make the instance's chains hold exactly *rules*, each family in one step, whatever is there now."""
        for family, text in self._texts(rules):
            await self._restore(family, text)
            for parent, chain in self._jumps(family):
                if not await _holds(family.command, "-C", parent, "-j", chain):
                    await programs.run(family.command, *_WAIT, "-I", parent, "1", "-j", chain)

    async def update(self, rules: Rules) -> None:
        """The same where only *rules* have changed since the last time: one program, 6 ms, in a container's start."""
        for family, text in self._texts(rules):
            if self._last.get(family) != text:
                await self._restore(family, text)

    def _texts(self, rules: Rules) -> Iterator[tuple[Family, str]]:
        if self._ipv4 is not None:
            yield self._ipv4, rules.ipv4()
        if self._ipv6 is not None:
            yield self._ipv6, rules.ipv6()

    async def _restore(self, family: Family, text: str) -> None:
        self._last.pop(family, None)  # a failure in the middle leaves nothing known
        await programs.run(f"{family.command}-restore", "--noflush", *_WAIT, text=text)
        self._last[family] = text

    async def remove(self) -> None:
        """Leave nothing of the instance behind. Idempotent."""
        self._last.clear()
        for family in (self._ipv4, self._ipv6):
            if family is not None:
                await self._remove(family)

    async def _remove(self, family: Family) -> None:
        for parent, chain in self._jumps(family):
            while await _holds(family.command, "-C", parent, "-j", chain):
                await programs.run(family.command, *_WAIT, "-D", parent, "-j", chain)
        there = [chain for chain in self._chains if await _holds(family.command, "-S", chain)]
        for verb in ("-F", "-X"):  # one jumps to another, so all are emptied first
            for chain in there:
                await programs.run(family.command, *_WAIT, verb, chain)

    def _jumps(self, family: Family) -> tuple[tuple[str, str], ...]:
        return (family.parent, self._chains.forward), ("INPUT", self._chains.input)


async def _suffix_with_engine() -> str:
    """A machine may have two sets of rules, of nftables and of the older kind; the engine uses one of them."""
    installed = [suffix for suffix in _SUFFIXES if programs.find(f"iptables{suffix}") is not None]
    if not installed:
        raise FirewallError("iptables is not installed")
    for suffix in installed:
        if await _holds(f"iptables{suffix}", "-S", _USER):
            return suffix
    return installed[0]


async def _family(command: str) -> Family:
    parent = _USER if await _holds(command, "-S", _USER) else _FORWARD
    await programs.run(
        command, *_WAIT, "-S", parent
    )  # tells a user who may not from a chain that is not there
    return Family(command=command, parent=parent)


async def _holds(command: str, *question: str) -> bool:
    return await programs.succeeds(command, *_WAIT, *question)
