"""What every long-lived process of the server does alike: signals, memory that stays, and who may look into it."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Mapping

from lockgate.sockets import ListeningSocket

GC_THRESHOLD = (20_000, 20, 100)  # requests leave few cycles: no need to look for them every ten


def settle_memory() -> None:
    """What lives now lives on: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)


class Stop:
    """SIGTERM and SIGINT begin the drain; the second one ends the process at once.

    SIGHUP calls *hang_up*: it must not kill a process, also not one that is about to read its configuration anyway.
    """

    def __init__(self, hang_up: Callable[[], None]) -> None:
        self._asked = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)

    def catch(self) -> None:
        """Drain from now on: until here a signal ends the start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)

    async def wait(self) -> None:
        await self._asked.wait()

    def _signalled(self, number: signal.Signals) -> None:
        if self._asked.is_set():
            os._exit(128 + number)  # the zygotes die with this process, and the environments with them
        self._asked.set()


def operators_ports(sockets: Mapping[str, ListeningSocket]) -> frozenset[int]:
    """Issuers must not lead to the listeners that nobody but the operator may call."""
    return frozenset(
        sockets[name].sock.getsockname()[1] for name in ("control", "admin") if is_tcp(sockets[name])
    )


def is_tcp(opened: ListeningSocket) -> bool:
    return opened.sock.family != socket.AF_UNIX
