"""How many connections each peer has open. Bounded by the open connections: an entry ends with its last one."""

from ipaddress import IPv6Address, ip_address

PeerKey = str | int


def peer_key(address: str) -> PeerKey:
    """Return what counts as one peer: an IPv4 address, or the /64 that an IPv6 client has all to itself."""
    if ":" not in address:
        return address
    return int(IPv6Address(ip_address(address))) >> 64


class PeerTable:
    """Counts by `peer_key`."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[PeerKey, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, key: PeerKey) -> int:
        """Count one more; the new number."""
        count = self._open.get(key, 0) + 1
        self._open[key] = count
        return count

    def leave(self, key: PeerKey) -> None:
        count = self._open[key] - 1
        if count:
            self._open[key] = count
        else:
            del self._open[key]
