"""Whether an address may be connected to: the rule against calls that somebody else's answer points at our inside.

Judged is the address itself, after name resolution, whatever its spelling: a v4 address inside a v6 one counts as
the v4 address. Source: OWASP, Server Side Request Forgery Prevention; RFC 6890 (special-purpose addresses).
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

# RFC 6052, RFC 8215: translated to the v4 address in the last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_GLOBAL_V6 = IPv6Network("2000::/3")  # all that has ever been given out
# The metadata service of a cloud machine, where it has no link-local address.
_METADATA = frozenset({IPv6Address("fd00:ec2::254")})


def refusal(address: str, *, is_configured: bool) -> str | None:
    """Why no connection to `address` may be made, or None.

    :param is_configured: the operator wrote this host; a private or loopback address is then meant.
    """
    outer = ip_address(address)
    inner = _innermost(outer)
    if inner.is_link_local or inner in _METADATA:
        return "a link-local address, where cloud machines have their credentials"
    if inner.is_multicast or inner.is_unspecified or _is_unassigned(inner):
        return "no address of a machine"
    if not inner.is_global or outer in _LOCAL_NAT64:
        return None if is_configured else "a loopback or private address"
    return None


def is_loopback(address: str) -> bool:
    return _innermost(ip_address(address)).is_loopback


def is_own(address: str) -> bool:
    """Whether `address` is one of this machine.

    The route to an own address starts at that address; connecting a datagram socket asks the kernel for it and
    sends nothing.
    """
    inner = _innermost(ip_address(address))
    if inner.is_loopback or inner.is_unspecified:
        return True
    family = socket.AF_INET if inner.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(inner), 9))
        except OSError:  # no route: nobody's address that we could reach
            return False
        return ip_address(probe.getsockname()[0]) == inner


def _is_unassigned(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_reserved
    return address.is_global and address not in _GLOBAL_V6


def _innermost(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or address in _LOCAL_NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
