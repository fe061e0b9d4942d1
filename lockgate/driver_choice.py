"""Which driver runs functions. Never processes by accident: they are no security boundary."""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from executor.driver import Capabilities
from lockgate.containers import engine_url
from lockgate.engine_answer import Ask, ask_engine, wait_for_engine
from lockgate.errors import RuntimeFailure
from lockgate.settings import Settings

DriverName = Literal["process", "docker"]
DOCKER_MARK = "docker-driver"  # in a state whose functions have run in containers

_LOOPBACK = ("127.", "localhost", "[::1]", "unix:")


def choose_driver(
    settings: Settings,
    *,
    url: str | None = None,
    ask: Ask = ask_engine,
    wait: Callable[[str, float], None] = wait_for_engine,
) -> DriverName:
    """Blocks while an engine that should be there starts.

    :param url: of the engine; None is the usual one.
    :raises RuntimeFailure: functions must run in containers here, and no engine answers.
    """
    if settings.driver == "process" or (settings.dev and settings.driver == "auto"):
        return "process"
    engine = url or engine_url(None)
    if settings.driver == "auto" and may_be_processes(settings):
        return "process" if ask(engine) is not None else "docker"
    wait(engine, settings.engine_wait_s)
    return "docker"


def may_be_processes(settings: Settings) -> bool:
    """Only where nobody else can call them, and never where containers had been the rule."""
    return settings.gateway.startswith(_LOOPBACK) and not has_used_docker(settings.state)


def has_used_docker(state: Path) -> bool:
    return (state / DOCKER_MARK).exists()


def remember_docker(state: Path) -> None:
    """From now on no start with this state falls back to processes by itself."""
    (state / DOCKER_MARK).touch(mode=0o600)


def refuse_exposed(gateway: socket.socket, settings: Settings, driver: DriverName = "process") -> None:
    """Judge the socket itself: an inherited one may listen elsewhere than ``--gateway`` says.

    :param driver: what was chosen.
    :raises RuntimeFailure: others could call functions that are processes, and nobody has said so.
    """
    if driver == "docker" or settings.dev or settings.driver == "process" or gateway.family == socket.AF_UNIX:
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
    if settings.dev or capabilities.isolated or capabilities.own_uid or capabilities.private_tmp:
        return
    raise RuntimeFailure(
        "Functions would run as this user and could read the server's state: the machine allows no namespaces.",
        "Run the server as root (functions get user ids of their own), allow user namespaces, or use `lockgate dev`.",
    )
