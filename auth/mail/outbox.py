"""Mail that waits to be delivered. Posting never blocks: a request never learns how long a mail server takes, and so
neither does whoever measures it (B6).

The queue lives in memory, on purpose: a mail holds a code, and codes are kept nowhere as text. What a crash loses is
asked for again by the person ("send it again").
"""

import heapq
import itertools
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from auth.mail.message import Message
from auth.mail.sender import NotNow, Refused, Sender
from kit.json_log import Level

MAX_WAITING: Final = 1_000  # messages; some 2 KB each, so 2 MB
# Four: each delivery is a connection of its own (some 100 ms with TLS), so 40 mails a second; a mail server's usual
# limit on connections from one address is ten.
THREADS: Final = 4
RETRY_AFTER_S: Final = (1.0, 5.0, 20.0, 60.0, 180.0)  # after that a code of three minutes has died anyway


class EventLog(Protocol):
    """Where failures are told: `kit.json_log.JsonLog`, or a server's console. Called from several threads."""

    def event(self, kind: str, *, level: Level = ..., **fields: object) -> None: ...


@dataclass(slots=True, kw_only=True)
class MailCounts:
    """Since the start. :ivar retried: deliveries that failed for the moment. :ivar refused: for good.

    :ivar dropped: never tried: no room in the queue. :ivar given_up: the last retry failed, or the server ended.
    """

    sent: int = 0
    retried: int = 0
    refused: int = 0
    dropped: int = 0
    given_up: int = 0


@dataclass(order=True, slots=True)
class _Waiting:
    due_mono: float
    number: int  # of two that are due the earlier posted goes first
    message: Message = field(compare=False)
    failures: int = field(default=0, compare=False)


class Outbox:
    """Owns its threads until `close`. Safe to use from any thread.

    :param retry_after_s: how long each next try waits; as many tries as it is long, and one.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        log: EventLog | None = None,
        max_waiting: int = MAX_WAITING,
        threads: int = THREADS,
        retry_after_s: Sequence[float] = RETRY_AFTER_S,
    ) -> None:
        self._sender = sender
        self._log = log
        self._max_waiting = max_waiting
        self._retry_after_s = tuple(retry_after_s)
        self.counts = MailCounts()
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()
        self._is_closing = False
        # Daemons: a mail server that hangs must not hold the process beyond `close`.
        self._threads = [
            threading.Thread(target=self._run, name=f"mail-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def __repr__(self) -> str:
        return f"<Outbox waiting={self.waiting} {self.counts}>"

    @property
    def waiting(self) -> int:
        """Messages that nobody is delivering just now."""
        with self._changed:
            return len(self._waiting)

    def post(self, message: Message) -> bool:
        """Take it for delivery. Never blocks, never raises.

        :returns: False: there is no room, or the server ends; it was counted and is gone.
        """
        with self._changed:
            has_room = not self._is_closing and len(self._waiting) < self._max_waiting
            if has_room:
                entry = _Waiting(time.monotonic(), next(self._numbers), message)
                heapq.heappush(self._waiting, entry)
                self._changed.notify()
            else:
                self.counts.dropped += 1
        if not has_room:
            self._note("mail_dropped", message, reason="too many mails wait, or the server is stopping")
        return has_room

    def close(self, timeout_s: float = 5.0) -> bool:
        """Try each waiting message once more, at once, and end the threads. Idempotent.

        :returns: False: *timeout_s* was over before; what is left is counted as given up.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            left, self._waiting = self._waiting, []
            self.counts.given_up += len(left)
        for entry in left:
            self._note("mail_given_up", entry.message, reason="the server stopped")
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            self._deliver(entry)

    def _next(self) -> _Waiting | None:
        """The next that is due, when it is; None: closing, and nothing is left."""
        with self._changed:
            while True:
                if self._waiting:
                    wait_s = self._waiting[0].due_mono - time.monotonic()
                    if wait_s <= 0 or self._is_closing:
                        return heapq.heappop(self._waiting)
                elif self._is_closing:
                    return None
                else:
                    wait_s = None
                self._changed.wait(wait_s)

    def _deliver(self, entry: _Waiting) -> None:
        try:
            self._sender.send(entry.message)
        except NotNow as failure:
            self._failed(entry, failure.reason)
        except Refused as failure:
            self._count("refused")
            self._note("mail_refused", entry.message, reason=failure.reason)
        except Exception as error:  # noqa: BLE001 - a fault in a sender must not end the thread that all mails need
            self._count("refused")
            self._note("mail_refused", entry.message, reason=type(error).__name__)
        else:
            self._count("sent")

    def _failed(self, entry: _Waiting, reason: str) -> None:
        with self._changed:
            is_last = self._is_closing or entry.failures >= len(self._retry_after_s)
            if is_last:
                self.counts.given_up += 1
            else:
                self.counts.retried += 1
                # Jitter, so that mails that failed together do not come back together.
                wait_s = self._retry_after_s[entry.failures] * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
                entry.failures += 1
                entry.due_mono = time.monotonic() + wait_s
                heapq.heappush(self._waiting, entry)
                self._changed.notify()
        self._note("mail_given_up" if is_last else "mail_retried", entry.message, reason=reason)

    def _count(self, what: str) -> None:
        with self._changed:
            setattr(self.counts, what, getattr(self.counts, what) + 1)

    def _note(self, event: str, message: Message, *, reason: str) -> None:
        """No address, subject or text: a log is read by more people than a mail (L2)."""
        if self._log is not None:
            self._log.event(
                event, level="warning", reason=reason, purpose=message.purpose, pool_id=message.pool_id
            )
