"""Listening sockets: bound from an address, or inherited from a service manager.

Source of the inheritance protocol: sd_listen_fds(3).
"""

import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

FIRST_INHERITED_FD = 3  # sd_listen_fds(3): SD_LISTEN_FDS_START
SOCKET_PATH_BYTES = 107  # sun_path less its NUL


class ListenError(Exception):
    """An address cannot be listened on: what, why, and what to do instead."""

    def __init__(self, what: str, why: str, instead: str) -> None:
        super().__init__(f"{what}: {why}. {instead}")
        self.what = what
        self.why = why
        self.instead = instead


def bind(address: str) -> socket.socket:
    """Return a bound, not yet listening socket for ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``.

    Port 0 takes any free one.

    :raises ListenError: the address is malformed, taken or forbidden.
    """
    if address.startswith("unix:"):
        return _bind_unix(Path(address.removeprefix("unix:")))
    host, port = _split(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as exc:
        raise ListenError(
            address, f"the host is not known here ({exc.strerror})", "Write an address of this machine."
        ) from exc
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restarted server takes its port over from connections in TIME_WAIT.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(found[0][4])
        sock.setblocking(False)
    except OSError as exc:
        sock.close()
        raise _explained(address, exc) from exc
    return sock


def inherited_sockets(environ: Mapping[str, str], *, pid: int) -> dict[str, socket.socket]:
    """Return the listening sockets that a service manager has passed to process *pid*, by name.

    Unnamed ones are called ``fd3``, ``fd4`` …. Empty when nothing was passed or it was meant for another
    process.

    :raises ListenError: what was passed is not what the variables say.
    """
    if environ.get("LISTEN_PID") != str(pid):
        return {}
    try:
        count = int(environ.get("LISTEN_FDS", "0"))
    except ValueError as exc:
        raise ListenError("LISTEN_FDS", "it is not a number", "Unset it.") from exc
    names = environ["LISTEN_FDNAMES"].split(":") if environ.get("LISTEN_FDNAMES") else []
    sockets: dict[str, socket.socket] = {}
    for index in range(count):
        fd = FIRST_INHERITED_FD + index
        name = names[index] if index < len(names) else f"fd{fd}"
        if name in sockets:
            raise ListenError(
                f"inherited socket {name!r}",
                "two sockets have this name",
                "Give each .socket unit a FileDescriptorName= of its own.",
            )
        sockets[name] = _inherit(fd, name)
    return sockets


def _inherit(fd: int, name: str) -> socket.socket:
    try:
        os.set_inheritable(fd, False)
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            raise OSError("it is not a socket")
        sock = socket.socket(fileno=fd)
    except OSError as exc:
        raise ListenError(
            f"inherited socket {name!r}", f"descriptor {fd}: {exc}", "Check the service manager's unit."
        ) from exc
    if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.detach()
        raise ListenError(
            f"inherited socket {name!r}", "it is not a listening stream socket", "Use ListenStream=."
        )
    sock.setblocking(False)
    return sock


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    well_formed = colon and host and port.isascii() and port.isdigit() and int(port) <= 65535
    if not well_formed or (":" in host) != bracketed:
        raise ListenError(
            address or "empty address",
            "it is not HOST:PORT",
            "Write 127.0.0.1:8080, [::1]:8080 or unix:/path.",
        )
    return host, int(port)


def _bind_unix(path: Path) -> socket.socket:
    if not path.is_absolute() or len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise ListenError(
            f"unix:{path}",
            "it is not an absolute path of at most 107 bytes",
            "Choose a shorter, absolute one.",
        )
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        sock.bind(str(path))
        sock.setblocking(False)
    except OSError as exc:
        sock.close()
        raise _explained(f"unix:{path}", exc) from exc
    return sock


def _remove_stale(path: Path) -> None:
    """Remove the socket file of a server that is dead; leave anything else alone."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)


def _explained(address: str, exc: OSError) -> ListenError:
    why = exc.strerror or str(exc)
    if isinstance(exc, PermissionError):
        return ListenError(address, why, "Use a port above 1023, or let the service manager bind it.")
    if isinstance(exc, FileNotFoundError):
        return ListenError(address, why, "Make its folder first.")
    return ListenError(address, why, "Stop what listens there, or choose another address (port 0 is any).")
