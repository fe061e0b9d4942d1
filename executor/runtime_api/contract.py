"""What the Runtime API server and the executor's shell say to each other.

The server speaks HTTP on each environment's own channel and knows nothing of pools; the shell owns the fleet,
which decides whether a call is legal. All of it is synchronous, on the loop's thread.
Source: contracts of the Lambda Runtime API, 2018-06-01.
"""

from dataclasses import dataclass
from typing import Protocol

from executor.core.instructions import RefuseReason


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One event for one environment.

    :param deadline_ms: Unix milliseconds at which the function times out.
    :param client_context: decoded JSON text, or None.
    """

    request_id: str
    payload: bytes
    deadline_ms: int
    function_arn: str
    trace: str
    client_context: str | None = None
    cognito_identity: str | None = None


class RuntimeSink(Protocol):
    """The shell. A returned reason becomes the 400 or 403 answer; None means that the call was legal."""

    def next_asked(self, environment: int) -> RefuseReason | None: ...

    def response_started(self, environment: int, request_id: str) -> RefuseReason | None:
        """The head of a response is there."""
        ...

    def response_ended(self, environment: int, request_id: str, body: bytes, *, complete: bool) -> None:
        """The response is there whole, or the connection broke in its middle (`complete` False)."""
        ...

    def error_posted(
        self, environment: int, request_id: str, body: bytes, error_type: str
    ) -> RefuseReason | None: ...

    def response_too_large(self, environment: int, request_id: str) -> RefuseReason | None:
        """A buffered response went over 6 MiB + 100 bytes. The runtime was answered 413."""
        ...

    def init_error_posted(self, environment: int, body: bytes, error_type: str) -> RefuseReason | None: ...

    def slot_ready(self, slot: int) -> RefuseReason | None:
        """The bootstrap of a slot waits to be specialised. Asked of every channel, as it is legal on few."""
        ...

    def slot_lost(self, slot: int) -> None:
        """The connection on which a slot's bootstrap waited is gone."""
        ...


class Channel(Protocol):
    """The server's end of one environment's channel."""

    def deliver(self, delivery: Delivery) -> bool:
        """Answer the pending ``next``, head and body in one write. False: no byte was written."""
        ...

    def specialise(self, environment: int, document: bytes) -> bool:
        """Answer the slot's pending ``GET /lockgate/specialise``; the channel is that environment's from now on.

        False: nobody waits for it; no byte was written, and the channel is no use any more.
        """
        ...

    def close(self) -> None:
        """Hear nothing of this environment any more; its connections and its listener are closed."""
        ...
