"""Subnets for an instance's bridges, and the addresses of its containers.

The engine would hand out addresses itself, but an address must be known, and its rules set, before anything runs
there, and must not be another's while rules of the last one are still in place.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

_SPACE = IPv4Network("10.192.0.0/10")  # seldom used: home and cloud networks begin at the low end
_FALLBACK = IPv4Network("172.16.0.0/12")
_PREFIX = 21
MAX_ADDRESSES = 1_000  # a Linux bridge has 1,024 ports


class NoSubnet(Exception):
    """Every candidate overlaps with a route of the machine or a network of the engine."""


def free_subnets(instance: str, taken: Iterable[IPv4Network]) -> Iterator[IPv4Network]:
    """Subnets that overlap with none of *taken*, from a place of the instance's own so that two seldom meet.

    :param instance: 8 hex digits.
    """
    busy = tuple(network for network in taken if network.prefixlen)  # the default route is everybody's
    for space in (_SPACE, _FALLBACK):
        count = 1 << (_PREFIX - space.prefixlen)
        size = 1 << (32 - _PREFIX)
        first = int(instance, 16) % count
        for step in range(count):
            base = int(space.network_address) + (first + step) % count * size
            candidate = IPv4Network((base, _PREFIX))
            if not any(candidate.overlaps(other) for other in busy):
                yield candidate


class Addresses:
    """The addresses of one subnet. The one that was given back last is used again last."""

    def __init__(self, subnet: IPv4Network, taken: Iterable[IPv4Address] = ()) -> None:
        self._first = int(subnet.network_address) + 2  # the first is the bridge's
        self._taken = set(taken)
        self._next = 0

    def take(self) -> IPv4Address | None:
        """An address that nobody has; None: all are in use."""
        for step in range(MAX_ADDRESSES):
            offset = (self._next + step) % MAX_ADDRESSES
            address = IPv4Address(self._first + offset)
            if address not in self._taken:
                self._taken.add(address)
                self._next = (offset + 1) % MAX_ADDRESSES
                return address
        return None

    def give_back(self, address: IPv4Address) -> None:
        self._taken.discard(address)

    def __repr__(self) -> str:
        return f"<Addresses taken={len(self._taken)}>"
