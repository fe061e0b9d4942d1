"""Who is at the other end of a unix socket, as the kernel says. Nothing that the peer sends is asked.

Source: unix(7), SO_PEERCRED; the credentials are those at the time of the peer's connect(2).
"""

import socket
import struct
from asyncio import BaseTransport

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


def peer_uid(transport: BaseTransport) -> int | None:
    """The uid of the process that connected; None where the system does not tell."""
    option: int | None = getattr(socket, "SO_PEERCRED", None)
    peer = transport.get_extra_info("socket")
    if option is None or peer is None or peer.family != socket.AF_UNIX:
        return None
    try:
        uid: int = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))[1]
    except OSError:
        return None
    return uid
