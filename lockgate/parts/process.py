"""What every long-lived process of the server does alike: signals, memory that stays, and who may look into it."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Mapping

from lockgate.sockets import ListeningSocket

GC_THRESHOLD = (20_000, 20, 100)  # requests leave few cycles: no need to look for them every ten


def settle_memory() -> None:
    """What lives now lives on: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)


class Stop:
    """SIGTERM and SIGINT begin the drain; the second one ends the process at once.

    SIGUSR2 begins the drain of a process that another one replaces: its clients may take their time (`leave`).
    SIGHUP calls *hang_up*: it must not kill a process, also not one that is about to read its configuration anyway.
    """

    def __init__(self, hang_up: Callable[[], None]) -> None:
        self._asked = asyncio.Event()
        self._leaving = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)

    def catch(self) -> None:
        """Drain from now on: until here a signal ends the start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        loop.add_signal_handler(signal.SIGUSR2, self._leaving.set)

    async def wait(self) -> None:
        await self._asked.wait()

    async def wait_to_leave(self) -> bool:
        """Wait for either. :returns: whether clients may take their time."""
        waits = [asyncio.create_task(each.wait()) for each in (self._asked, self._leaving)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        return not self._asked.is_set()

    async def unless_asked(self, doing: Coroutine[object, object, None]) -> None:
        """Do it, but no longer than until SIGTERM comes."""
        tasks = [asyncio.create_task(doing), asyncio.create_task(self._asked.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
