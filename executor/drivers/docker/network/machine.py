"""What this machine says of its network: routes, name servers, bridges."""

from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import Path

_ROUTES = Path("/proc/net/route")
_RESOLVED = Path("/run/systemd/resolve/resolv.conf")  # the servers behind systemd's 127.0.0.53
_RESOLV_CONF = Path("/etc/resolv.conf")
_BRIDGED = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
_IPV6 = Path("/proc/net/if_inet6")
_DEVICES = Path("/sys/class/net")


def routed_networks(routes: Path = _ROUTES) -> tuple[IPv4Network, ...]:
    """Of the main table. None where the kernel has no such file."""
    try:
        lines = routes.read_text().splitlines()[1:]
    except OSError:
        return ()
    return tuple(_network(line.split()) for line in lines if len(line.split()) >= 8)


def _network(fields: list[str]) -> IPv4Network:
    """Destination and mask are hexadecimal in the machine's byte order. Source: proc(5)."""
    destination, mask = (int.from_bytes(bytes.fromhex(fields[index])[::-1]) for index in (1, 7))
    return IPv4Network((destination, bin(mask).count("1")), strict=False)


def name_servers(resolv_conf: Path = _RESOLV_CONF, resolved: Path = _RESOLVED) -> tuple[IPv4Address, ...]:
    """Those that the engine asks from within a container's network; it asks loopback ones from the machine's own."""
    servers = _servers(resolv_conf)
    if servers and all(server.is_loopback for server in servers):
        servers = _servers(resolved)
    return tuple(server for server in servers if not server.is_loopback)


def _servers(file: Path) -> tuple[IPv4Address, ...]:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    words = (line.split() for line in lines)
    named = (parts[1] for parts in words if len(parts) >= 2 and parts[0] == "nameserver")
    return tuple(address for text in named if (address := _ipv4(text)) is not None)


def _ipv4(text: str) -> IPv4Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address if isinstance(address, IPv4Address) else None


def uplink_mtu(routes: Path = _ROUTES, devices: Path = _DEVICES) -> int | None:
    """Of the device that leads to the Internet: larger packets from a bridge are lost on some networks."""
    try:
        fields = (line.split() for line in routes.read_text().splitlines()[1:])
        device = next((each[0] for each in fields if int(each[1], 16) == 0 and int(each[7], 16) == 0), None)
        return None if device is None else int((devices / device / "mtu").read_text())
    except (OSError, ValueError, IndexError):
        return None


def has_device(name: str) -> bool:
    """Whether a network device of the engine is in this process's own network namespace."""
    return (_DEVICES / name).exists()


def judges_bridged(switch: Path = _BRIDGED) -> bool:
    """Whether rules see what goes from one container to another of the same bridge."""
    try:
        return switch.read_text().strip() == "1"
    except OSError:
        return False


def has_ipv6() -> bool:
    return _IPV6.exists()
