"""The listeners of a server: which application answers on which socket, and within which limits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from starlette.types import ASGIApp
from uvicorn._types import ASGI3Application

from kit.edge_limits import EdgeLimits
from kit.listener import Listener
from lockgate.metrics import EdgeMetrics
from lockgate.node import machine_memory_mb, unsent_share
from lockgate.open_files import connection_share, raise_open_files
from lockgate.refusals import RefusalLog, Say
from lockgate.sockets import ListeningSocket

if TYPE_CHECKING:  # who has no certificate needs no X.509 library in memory
    from kit.tls import TlsContext

# Lambda's own limit of a request; over 6 MiB is its 413. One application server may call for everybody.
CONTROL_LIMITS = EdgeLimits(body_bytes=70_167_211, peer_connections=EdgeLimits().connections)
ADMIN_LIMITS = EdgeLimits(body_bytes=64 * 1024)
# A16: what the applications take is half of it, and they refuse more in words that each protocol's clients understand.
AUTH_BODY_BYTES = 128 * 1024
PUBLIC = frozenset({"gateway", "auth"})
# Half for the API, a tenth each for the others; the rest is for functions, files and logs.
SHARES = {"gateway": 2, "auth": 8}


def make_listeners(
    sockets: Mapping[str, ListeningSocket],
    apps: Mapping[str, tuple[ASGIApp, EdgeLimits]],
    *,
    tls: "TlsContext | None",
    metrics: EdgeMetrics,
    say: Say,
    processes: int = 1,
) -> dict[str, Listener]:
    """One listener for each application, by name; none accepts yet.

    :param tls: of the public ones. :param say: takes what they refuse, for the log.
    :param processes: that listen alike on this machine, and share its memory.
    """
    open_files = raise_open_files()
    unsent_bytes = unsent_share(machine_memory_mb() // processes)
    refusals = RefusalLog(say)
    listeners = {}
    for name, (app, limits) in apps.items():
        opened, is_public = sockets[name], name in PUBLIC
        share = connection_share(open_files, one_of=SHARES.get(name, 10))
        listener = Listener(
            name, cast(ASGI3Application, app), opened.sock,
            replace(limits, connections=share, unsent_bytes=unsent_bytes),
            on_refused=refusals.on_refused(name, metrics.on_refused(name)),
            inherited=opened.is_inherited, tls=tls if is_public else None,
        )  # fmt: skip
        metrics.watch(name, lambda listener=listener: listener.connections)  # type: ignore[misc]  # a default in a lambda
        listeners[name] = listener
    return listeners


def bound_hosts(opened: ListeningSocket) -> tuple[str, ...]:
    """The address that the operator gave a listener is a name under which clients may call it."""
    name = opened.sock.getsockname()
    return (name[0],) if isinstance(name, tuple) else ()
