"""One environment's end of the Runtime API: who waits for an event, on which connections.

The channel *is* the environment's identity: what arrives on it is that environment's, whatever it says. A slot's
channel has the slot's number until `specialise` makes it an environment's. It
knows the runtime's state only to name it in refusals; what is legal is the sink's to say.
"""

from asyncio import AbstractServer
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from shutil import rmtree
from typing import Protocol

from executor.core.instructions import RefuseReason
from executor.runtime_api import replies
from executor.runtime_api.contract import Delivery, RuntimeSink
from executor.runtime_api.peer import owner_of

# A runtime needs one; http.client-based ones open a second for init/error. The rest is slack for strays.
MAX_CONNECTIONS = 8


class RuntimeState(Enum):
    """Names as in AWS's messages."""

    STARTED = "Started"
    SPECIALISED = "Specialised"  # not AWS's: a slot's, which is nobody's before
    INIT_ERROR = "InitError"
    READY = "Ready"
    RUNNING = "Running"
    RESPONSE = "InvocationResponse"
    ERROR_RESPONSE = "InvocationErrorResponse"
    RESPONSE_SENT = "RuntimeResponseSentState"


class Line(Protocol):
    """What the channel needs of a connection."""

    def answer_next(self, answer: bytes) -> bool: ...

    def is_open(self) -> bool: ...

    def peer_port(self) -> int | None: ...

    def abort(self) -> None: ...


class EnvironmentChannel:
    """The base of all kinds of channel; they differ in how an environment reaches them."""

    def __init__(self, environment: int, sink: RuntimeSink) -> None:
        self.environment = environment
        self.sink = sink
        self.closed = False
        self._state = RuntimeState.STARTED
        self._pending: Line | None = None
        self._pending_lost = False
        self._slot_line: Line | None = None  # a slot's bootstrap waits on it for its function
        self._lines: set[Line] = set()
        self._server: AbstractServer | None = None

    def __repr__(self) -> str:
        waiting = " waiting" if self._pending is not None else ""
        kind, lines = type(self).__name__, len(self._lines)
        return f"<{kind} {self.environment} {self._state.value}{waiting} lines={lines}>"

    def deliver(self, delivery: Delivery) -> bool:
        """Answer the pending ``next``. False: nobody waits or it is gone; no byte was written."""
        line = self._pending
        if line is None:
            return False
        self._pending = None
        if not line.answer_next(replies.next_reply(delivery)):
            return False
        self._state = RuntimeState.RUNNING
        return True

    def specialise(self, environment: int, document: bytes) -> bool:
        """Answer the waiting slot; what is said from now on is that environment's. False: nobody waits."""
        line, self._slot_line = self._slot_line, None
        if line is None or not line.answer_next(replies.reply(HTTPStatus.OK, document)):
            return False
        self.environment = environment
        return True

    def close(self) -> None:
        """Hear nothing of this environment any more. Idempotent."""
        self.closed = True
        self._pending = self._slot_line = None
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in tuple(self._lines):
            line.abort()
        self._lines.clear()

    # --- what connections say --------------------------------------------------------------------

    def serve(self, server: AbstractServer) -> None:
        self._server = server

    def connected(self, line: Line) -> bool:
        """Whether there is room for one more connection."""
        if self.closed or len(self._lines) >= MAX_CONNECTIONS:
            return False
        self._lines.add(line)
        return True

    def disconnected(self, line: Line) -> None:
        self._lines.discard(line)
        if self._pending is line:
            self._pending = None
            self._pending_lost = True
        elif self._slot_line is line:
            self._slot_line = None
            self.sink.slot_lost(self.environment)

    def next_asked(self, line: Line) -> bytes | None:
        """Let `line` wait for the next event; the refusal's bytes if it may not.

        The sink may deliver before it returns. A ``next`` whose connection broke while it waited is taken
        over by the one after it: to the sink the environment was waiting all the time.
        """
        if self._pending is not None and self._pending.is_open():
            return replies.transition_refused(self._state.value, RuntimeState.READY.value)
        taken_over = self._pending_lost or self._pending is not None
        previous, self._pending, self._pending_lost = self._state, line, False
        if taken_over:
            return None
        self._state = RuntimeState.READY
        refusal = self.sink.next_asked(self.environment)
        if refusal is None:
            return None
        self._pending = None
        self._state = previous
        return self._refused(refusal, RuntimeState.READY)

    def specialise_asked(self, line: Line) -> bytes | None:
        """Let `line` wait for the slot's function; the refusal's bytes on a channel that is no waiting slot's."""
        previous, self._slot_line = self._slot_line, line
        refusal = self.sink.slot_ready(self.environment)
        if refusal is None:
            return None
        self._slot_line = previous
        return self._refused(refusal, RuntimeState.SPECIALISED)

    def response_started(self, request_id: str) -> bytes | None:
        refusal = self.sink.response_started(self.environment, request_id)
        if refusal is None:
            self._state = RuntimeState.RESPONSE
            return None
        return self._refused(refusal, RuntimeState.RESPONSE)

    def response_ended(self, request_id: str, body: bytes, *, complete: bool) -> None:
        self._state = RuntimeState.RESPONSE_SENT
        self.sink.response_ended(self.environment, request_id, body, complete=complete)

    def response_too_large(self, request_id: str) -> bytes | None:
        refusal = self.sink.response_too_large(self.environment, request_id)
        return self._settled(refusal, RuntimeState.RESPONSE)

    def error_posted(self, request_id: str, body: bytes, error_type: str) -> bytes | None:
        refusal = self.sink.error_posted(self.environment, request_id, body, error_type)
        return self._settled(refusal, RuntimeState.ERROR_RESPONSE)

    def init_error_posted(self, body: bytes, error_type: str) -> bytes | None:
        refusal = self.sink.init_error_posted(self.environment, body, error_type)
        if refusal is None:
            self._state = RuntimeState.INIT_ERROR
            return None
        return self._refused(refusal, RuntimeState.INIT_ERROR)

    def _settled(self, refusal: RefuseReason | None, wanted: RuntimeState) -> bytes | None:
        if refusal is None:
            self._state = RuntimeState.RESPONSE_SENT
            return None
        return self._refused(refusal, wanted)

    def _refused(self, refusal: RefuseReason, wanted: RuntimeState) -> bytes:
        if refusal is RefuseReason.INVALID_REQUEST_ID:
            return replies.INVALID_REQUEST_ID
        if refusal is RefuseReason.INVALID_STATE:
            return replies.transition_refused(self._state.value, wanted.value)
        return replies.UNKNOWN_ENVIRONMENT


class SocketChannel(EnvironmentChannel):
    """A channel on ``<folder>/api.sock``.

    The folder is 0700 and the socket 0666: who may enter the folder may talk. To let an environment's uid in,
    give the folder its *group* and mode 0710; an owner could replace the socket.
    """

    def __init__(self, environment: int, sink: RuntimeSink, folder: Path) -> None:
        super().__init__(environment, sink)
        self.folder = folder

    def close(self) -> None:
        super().close()
        rmtree(self.folder, ignore_errors=True)


class PortChannel(EnvironmentChannel):
    """A channel on ``127.0.0.1:<port>``, for clients that know only ``host:port``."""

    def __init__(self, environment: int, sink: RuntimeSink, port: int) -> None:
        super().__init__(environment, sink)
        self.port = port
        self._uid: int | None = None

    def admit(self, uid: int) -> None:
        """Let in what this user connects, and nothing else: every process of the machine reaches the port."""
        self._uid = uid
        for line in tuple(self._lines):  # nothing of the environment runs yet
            line.abort()

    def connected(self, line: Line) -> bool:
        if self._uid is not None:
            peer = line.peer_port()
            if peer is None or owner_of(peer, self.port) != self._uid:
                return False
        return super().connected(line)
