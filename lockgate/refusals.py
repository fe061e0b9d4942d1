"""Says what a listener refused: such a request has no access record, because no application saw it.

A flood of refusals must not push other records out of the log: a few lines a second, the others are counted, and
the next line says how many they were. Every one is in the metrics.
"""

from collections.abc import Callable
from time import monotonic

from kit.edge_limits import OnRefused, Peer, RefusalReason

LINES_A_SECOND = 20  # an operator reads the first ones; a flood is what metrics are for

Say = Callable[..., None]  # Any keywords: `Console.event`


class RefusalLog:
    """:param say: takes the event's kind, its level and its fields; must not block."""

    def __init__(self, say: Say, *, mono: Callable[[], float] = monotonic) -> None:
        self._say = say
        self._mono = mono
        self._second = -1
        self._lines = 0
        self._unsaid = 0

    def on_refused(self, listener: str, count: OnRefused) -> OnRefused:
        """What a listener is to call. :param count: called for each refusal, said or not."""

        def refused(reason: RefusalReason, status: int, peer: Peer) -> None:
            count(reason, status, peer)
            if status:  # else a field was dropped, or a connection that had asked nothing was closed
                self._tell(listener, reason, status, peer)

        return refused

    def _tell(self, listener: str, reason: RefusalReason, status: int, peer: Peer) -> None:
        second = int(self._mono())
        if second != self._second:
            self._second, self._lines = second, 0
        if self._lines >= LINES_A_SECOND:
            self._unsaid += 1
            return
        self._lines += 1
        unsaid, self._unsaid = self._unsaid, 0
        more = {"unsaid": unsaid} if unsaid else {}
        ip = None if peer is None else peer[0]
        self._say("refused", level="warning", listener=listener, reason=reason, status=status, ip=ip, **more)
