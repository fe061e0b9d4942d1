"""Which driver runs functions. Never processes by accident: they are no security boundary."""

import socket
from ipaddress import ip_address

from executor.driver import Capabilities
from lockgate.errors import RuntimeFailure
from lockgate.settings import Settings

_LOOPBACK = ("127.", "localhost", "[::1]", "unix:")


def choose_driver(settings: Settings) -> str:
    """:raises RuntimeFailure: what was asked for, or what would be safe, is not in this version."""
    if settings.driver == "process" or (settings.dev and settings.driver == "auto"):
        return "process"
    if settings.driver == "docker":
        raise RuntimeFailure(
            "The docker driver is not in this version.",
            "Say --driver process to run functions as processes; that is no security boundary.",
        )
    if settings.gateway.startswith(_LOOPBACK):
        return "process"
    raise _exposed(settings.gateway)


def refuse_exposed(gateway: socket.socket, settings: Settings) -> None:
    """Judge the socket itself: an inherited one may listen elsewhere than ``--gateway`` says.

    :raises RuntimeFailure: as `choose_driver`.
    """
    if settings.dev or settings.driver == "process" or gateway.family == socket.AF_UNIX:
        return
    host, port = gateway.getsockname()[:2]
    if not ip_address(host.partition("%")[0]).is_loopback:
        raise _exposed(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def _exposed(address: str) -> RuntimeFailure:
    return RuntimeFailure(
        f"The gateway listens on {address}, which others can reach, and functions would run as processes.",
        "Say --driver process if all functions are your own, or listen on 127.0.0.1.",
    )


def refuse_unsafe(capabilities: Capabilities, settings: Settings) -> None:
    """:raises RuntimeFailure: `serve` would run functions as a user who can read the state."""
    if settings.dev or capabilities.own_uid or capabilities.private_tmp:
        return
    raise RuntimeFailure(
        "Functions would run as this user and could read the server's state: the machine allows no namespaces.",
        "Run the server as root (functions get user ids of their own), allow user namespaces, or use `lockgate dev`.",
    )
