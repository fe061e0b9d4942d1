"""The server's listening sockets: inherited from a service manager, or bound here. All before anything is built."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.listen_sockets import ListenError, bind, inherited_sockets
from lockgate.errors import RuntimeFailure
from lockgate.settings import Settings

UNUSED = "auth"  # a service manager may pass it to a server that has no user pools yet


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    sock: socket.socket
    is_inherited: bool


def open_sockets(
    settings: Settings, *, with_auth: bool = False
) -> AbstractContextManager[dict[str, ListeningSocket]]:
    """Those of a whole server. :param with_auth: there are user pools.

    :raises RuntimeFailure: an address cannot be used.
    """
    addresses = {"gateway": settings.gateway, "control": settings.control, "admin": settings.admin}
    return open_listening(addresses | ({"auth": settings.auth} if with_auth else {}))


@contextmanager
def open_listening(addresses: Mapping[str, str]) -> Iterator[dict[str, ListeningSocket]]:
    """Bind what was not inherited. :param addresses: by listener.

    :raises RuntimeFailure: an address cannot be used.
    """
    with ExitStack() as stack:
        try:
            inherited = _named(inherited_sockets(os.environ, pid=os.getpid()), tuple(addresses))
            opened = {}
            for name in addresses:
                sock = inherited.get(name) or bind(addresses[name])
                stack.callback(sock.close)
                opened[name] = ListeningSocket(sock, is_inherited=name in inherited)
        except ListenError as error:
            raise RuntimeFailure(f"Cannot listen on {error.what}: {error.why}.", error.instead) from error
        yield opened


@contextmanager
def open_own(addresses: Mapping[str, str]) -> Iterator[dict[str, ListeningSocket]]:
    """Bind what no service manager passes: it is between processes of ours. :raises RuntimeFailure: as above."""
    with ExitStack() as stack:
        opened = {}
        try:
            for name, address in addresses.items():
                sock = bind(address)
                stack.callback(sock.close)
                opened[name] = ListeningSocket(sock, is_inherited=False)
        except ListenError as error:
            raise RuntimeFailure(f"Cannot listen on {error.what}: {error.why}.", error.instead) from error
        yield opened


def unix_path(url: str) -> Path:
    """The path of ``unix:/path``."""
    return Path(url.removeprefix("unix:"))


def edges_address(url: str) -> Path:
    """Where edges attach to the executor whose calls are taken at *url*: beside it."""
    path = unix_path(url)
    return path.with_name(f"{path.name}.edges")


def _named(inherited: dict[str, socket.socket], names: tuple[str, ...]) -> dict[str, socket.socket]:
    """Sockets by listener: by name where they have ours, else in the listeners' order."""
    inherited = {name: sock for name, sock in inherited.items() if name != UNUSED or name in names}
    if not inherited or set(inherited) <= set(names):
        return inherited
    if len(inherited) > len(names):
        raise ListenError(
            "LISTEN_FDS",
            f"{len(inherited)} sockets were passed and there are {len(names)} listeners",
            f"Pass sockets named {', '.join(names)} (FileDescriptorName=).",
        )
    return dict(zip(names, inherited.values(), strict=False))


def public_url(sock: socket.socket, *, is_tls: bool) -> str:
    """Where clients on this machine reach a listener."""
    name = sock.getsockname()
    if not isinstance(name, tuple):
        return f"unix:{name}"
    scheme = "https" if is_tls else "http"
    return f"{scheme}://[{name[0]}]:{name[1]}" if ":" in name[0] else f"{scheme}://{name[0]}:{name[1]}"
