"""The server's listening sockets: inherited from a service manager, or bound here. All before anything is built."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from kit.listen_sockets import ListenError, bind, inherited_sockets
from lockgate.errors import RuntimeFailure
from lockgate.settings import Settings

LISTENERS = ("gateway", "control", "admin")


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    sock: socket.socket
    is_inherited: bool


@contextmanager
def open_sockets(settings: Settings) -> Iterator[dict[str, ListeningSocket]]:
    """Bind what was not inherited. :raises RuntimeFailure: an address cannot be used."""
    addresses = {"gateway": settings.gateway, "control": settings.control, "admin": settings.admin}
    with ExitStack() as stack:
        try:
            inherited = _named(inherited_sockets(os.environ, pid=os.getpid()))
            opened = {}
            for name in LISTENERS:
                sock = inherited.get(name) or bind(addresses[name])
                stack.callback(sock.close)
                opened[name] = ListeningSocket(sock, is_inherited=name in inherited)
        except ListenError as error:
            raise RuntimeFailure(f"Cannot listen on {error.what}: {error.why}.", error.instead) from error
        yield opened


def _named(inherited: dict[str, socket.socket]) -> dict[str, socket.socket]:
    """Sockets by listener: by name where they have ours, else in the listeners' order."""
    if not inherited or set(inherited) <= set(LISTENERS):
        return inherited
    if len(inherited) > len(LISTENERS):
        raise ListenError(
            "LISTEN_FDS",
            f"{len(inherited)} sockets were passed and there are {len(LISTENERS)} listeners",
            f"Pass sockets named {', '.join(LISTENERS)} (FileDescriptorName=).",
        )
    return dict(zip(LISTENERS, inherited.values(), strict=False))
