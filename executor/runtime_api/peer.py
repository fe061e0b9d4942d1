"""Whose a loopback connection is. Linux only; elsewhere nobody knows."""

from pathlib import Path

# A Java program's sockets are of both families: its connections to 127.0.0.1 stand in the table of IPv6, mapped.
_TABLES = (
    (Path("/proc/net/tcp"), b" 0100007F:%04X 0100007F:%04X "),
    (
        Path("/proc/net/tcp6"),
        b" 0000000000000000FFFF00000100007F:%04X 0000000000000000FFFF00000100007F:%04X ",
    ),
)
_UID_FIELD = 4  # after the two addresses: state, queues, timer, retransmits, uid


def owner_of(client_port: int, server_port: int) -> int | None:
    """The uid that opened 127.0.0.1:`client_port` → 127.0.0.1:`server_port`; None if there is none."""
    for table, form in _TABLES:
        owner = _find(table, form % (client_port, server_port))
        if owner is not None:
            return owner
    return None


def _find(table: Path, addresses: bytes) -> int | None:
    try:
        lines = table.read_bytes()
    except OSError:
        return None
    at = lines.find(addresses)
    if at < 0:
        return None
    fields = lines[at + len(addresses) : lines.find(b"\n", at)].split()
    return int(fields[_UID_FIELD])
