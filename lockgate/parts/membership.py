"""What a process that the supervisor started was given by it, and what it tells it: that it is ready.

The environment variable ``LOCKGATE_PART`` holds it as JSON. The supervisor's end is this process's end: the kernel
sees to that on Linux, the closed status socket elsewhere.
"""

import asyncio
import json
import os
import socket
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from lockgate.sockets import ListeningSocket

VARIABLE = "LOCKGATE_PART"
LOST = 1  # exit code of who has lost the supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """:param name: ``executor``, ``edge-1``, ``auth-1`` ….
    :param index: of an edge among the *of* edges, or of those like it.
    :param public: names of all processes that clients from outside meet.
    :param auth_url: the auth listener's own address; empty: there is none.
    :param restarts: how often a process of this name has been started again.
    :param log_lock: locked while a batch of lines is written to the stderr that all share.
    :param kept: file for the last good generation, of the executor; -1: none.
    """

    name: str
    sockets: Mapping[str, int]
    status: socket.socket = field(repr=False)
    index: int
    of: int
    public: tuple[str, ...]
    auth_url: str
    restarts: int
    log_lock: int
    kept: int

    @contextmanager
    def listening(self) -> Iterator[dict[str, ListeningSocket]]:
        """Its listening sockets, by name."""
        opened = {name: socket.socket(fileno=fd) for name, fd in self.sockets.items()}
        try:
            for sock in opened.values():
                sock.setblocking(False)
            yield {name: ListeningSocket(sock, is_inherited=True) for name, sock in opened.items()}
        finally:
            for sock in opened.values():
                sock.close()

    def ready(self) -> None:
        """Tell the supervisor that this process does its work from now on."""
        self.status.send(b"ready\n")

    def watch(self) -> None:
        """End with the supervisor."""
        self.status.setblocking(False)
        asyncio.get_running_loop().add_reader(self.status, self._look)

    def _look(self) -> None:
        try:
            if self.status.recv(1):
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # as good as closed
        os._exit(LOST)


def membership(environ: MutableMapping[str, str]) -> Membership | None:
    """What this process was given; None: nobody supervises it. Nothing that it starts inherits any of it."""
    text = environ.pop(VARIABLE, None)
    if text is None:
        return None
    given = json.loads(text)
    if given["pid"] != os.getpid():
        return None
    for fd in (*given["sockets"].values(), given["status"], given["log_lock"], given["kept"]):
        if fd >= 0:
            os.set_inheritable(fd, False)
    return Membership(
        name=given["name"],
        sockets=given["sockets"],
        status=socket.socket(fileno=given["status"]),
        index=given["index"],
        of=given["of"],
        public=tuple(given["public"]),
        auth_url=given["auth_url"],
        restarts=given["restarts"],
        log_lock=given["log_lock"],
        kept=given["kept"],
    )
