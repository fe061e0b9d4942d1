"""Whether a Docker engine answers, asked with nothing but a socket: a server that uses none loads no SDK for it."""

import socket
import time
from collections.abc import Callable

from executor.drivers.docker.engine.address import EngineAddress
from executor.images.errors import ImageError, image_error
from lockgate.errors import RuntimeFailure

ANSWER_S = 5.0  # a ping takes a millisecond
EVERY_S = 0.5  # no event tells that somebody begins to listen
_HOPELESS = frozenset({"engine-denied"})  # what waiting does not mend

Ask = Callable[[str], ImageError | None]


def ask_engine(url: str) -> ImageError | None:
    """Why no engine answers at *url*; None when one does."""
    address = EngineAddress.parse(url)
    try:
        with _connected(address) as sock:
            sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
            answer = sock.recv(64)
    except OSError as error:
        return image_error(error, image="", engine=url)
    if answer.startswith(b"HTTP/1.1 200"):
        return None
    return ImageError("failed", f"What answers at {url} is no Docker engine.", "Name one with DOCKER_HOST.")


def _connected(address: EngineAddress) -> socket.socket:
    if address.socket is None:
        return socket.create_connection((address.host, address.port), timeout=ANSWER_S)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(ANSWER_S)
        sock.connect(str(address.socket))
    except BaseException:
        sock.close()
        raise
    return sock


def wait_for_engine(
    url: str, wait_s: float, *, ask: Ask = ask_engine, pause: Callable[[float], None] = time.sleep
) -> None:
    """Return when an engine answers. Blocks.

    :raises RuntimeFailure: none does within *wait_s*, or this user may not use it.
    """
    deadline = time.monotonic() + wait_s
    while (problem := ask(url)) is not None:
        if problem.code in _HOPELESS or time.monotonic() >= deadline:
            raise RuntimeFailure(problem.what, problem.instead) from problem
        pause(EVERY_S)
