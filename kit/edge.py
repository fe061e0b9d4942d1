"""The HTTP/1.1 edge: uvicorn's httptools protocol with the limits, deadlines and checks that it lacks.

Reading (`EdgeReading`) and answering (here) are two sides of a connection. `_phase` is where the *reading*
side stands; answers are `EdgeCycle`s: one active, others waiting in the order in which their heads came.
What the edge refuses is answered in its turn, after what came before it, and ends the connection.
The base class is private API of uvicorn: `tests/unit/kit/test_edge_base.py` fails when it changes.
"""

import asyncio
from math import inf

from uvicorn.config import Config

from kit.edge_answers import refusal
from kit.edge_limits import RefusalReason
from kit.edge_peers import PeerKey, peer_key
from kit.edge_reading import BODY, HEAD, IDLE, NEW, READ, SHUT, EdgeReading
from kit.edge_response import EdgeCycle
from kit.edge_state import EdgeState
from kit.edge_watch import WriteWatch
from kit.networks import plain_address


class EdgeProtocol(EdgeReading):
    """One connection."""

    def __init__(self, config: Config, state: EdgeState, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, state, loop)
        self._writes = WriteWatch(state.limits)
        self._last_words: bytes | None = None  # a refusal that waits for the answers before it
        self._peer: PeerKey | None = None  # in the table of peers, when it has a cap
        self.carrier: asyncio.Transport | None = None  # under TLS: what its bytes go through

    # Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        state, limits = self.state, self.limits
        if self.client is not None:
            self.client = (plain_address(self.client[0]), self.client[1])
        of_peer = 0
        if state.is_trusted(self.client):
            # It keeps connections in reserve, unused ones too, and a closed one costs a client a 502.
            self._idle_s = first_byte_s = limits.trusted_idle_s
            self._requests_left = inf
        else:
            self._idle_s, first_byte_s = limits.idle_s, limits.first_byte_s
            if self.client is not None:
                self._peer = peer_key(self.client[0])
                of_peer = state.peers.enter(self._peer)
        self._deadline = self.loop.time() + (limits.sweep_s if state.draining else first_byte_s)
        crowded = state.crowded(of_peer)
        if crowded is not None:
            self._turn_away(*crowded)

    def _turn_away(self, reason: RefusalReason, is_flood: bool) -> None:
        """Answer 503, as long as those that read theirs do not become the flood."""
        if is_flood:
            self._phase = SHUT
            self.state.refused(reason, 0, self.client)
            self.transport.abort()
        else:
            self.refuse(reason, 503)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._phase = SHUT
        self.connections.discard(self)
        self.state.backlog.remove(self)
        if self._peer is not None:
            self.state.peers.leave(self._peer)
            self._peer = None
        self.flow.resume_writing()  # wakes a sender, which then finds itself lost
        # Both hold this protocol: kept, it and its transport would be left to the garbage collector.
        self.parser = self.latest = None  # type: ignore[assignment]
        cycles = [self.active, *self.waiting]
        self.waiting.clear()
        self.state.changed.set()
        for cycle in cycles:
            if cycle is not None:
                cycle.lose()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        active = self.active
        if active is None or (self._phase == BODY and active is self.latest):
            return None  # nothing, or nothing whole, to answer: the transport closes itself
        if self.carrier is not None:  # TLS: the transport closes both sides, whatever is returned
            active.mark_gone()
            return None
        # Closed or half closed looks the same. Who waits is told; what is sent still goes out.
        if self._phase != SHUT:
            self._phase, self._deadline = SHUT, inf
        last = self.waiting[-1] if self.waiting else active
        if last is self.latest and last.more_body and self.waiting:
            self.waiting.pop()
            last = self.waiting[-1] if self.waiting else active
        last.keep_alive = False
        active.mark_gone()
        return True

    def shutdown(self) -> None:
        """Begin to drain: close what rests, let what is in flight end with ``Connection: close``."""
        if self.latest is not None:
            self.latest.keep_alive = False
        if self._phase == IDLE:
            self.transport.close()
        elif self._phase == NEW:
            # Its request may be on the way; a moment costs nothing.
            self._deadline = min(self._deadline, self.loop.time() + self.limits.sweep_s)

    def dismiss(self) -> None:
        """Let it end with the answer under way, or with its next one: nobody who is about to ask is hung up on."""
        if self.active is not None and self.latest is not None:
            self.latest.keep_alive = False

    def cut_off(self) -> None:
        """End the connection now: 503 where an answer is owed and not begun."""
        cycle = self.active
        self.waiting.clear()
        if cycle is None:
            self.transport.close()
            return
        self.response_failed(cycle, "cut_off", 503)
        if cycle.task is not None:
            cycle.task.cancel()

    # Answering

    def enqueue(self, cycle: EdgeCycle) -> None:
        if self.active is None:
            self._start(cycle)
        else:
            self.flow.pause_reading()
            self.waiting.append(cycle)

    def _start(self, cycle: EdgeCycle) -> None:
        self.active = cycle
        # Not by the loop: its `create_task` is one call more, and without a name the task makes itself one.
        task = asyncio.Task(cycle.run(self.app), loop=self.loop, name="edge-request")
        cycle.task = task
        self.tasks.add(task)

    def response_done(self, cycle: EdgeCycle) -> None:
        """Go on after a complete response: the next request in line, rest, or the end."""
        self.active = None
        self.state.total_requests += 1
        if self.transport.is_closing():
            return
        if not cycle.keep_alive:
            self.waiting.clear()
            if self._phase in (READ, SHUT):
                self.transport.close()
            else:
                self._hang_up(b"")
        elif self.waiting:
            self._start(self.waiting.popleft())
            if not self.waiting and self._last_words is None:
                self.flow.resume_reading()
        elif self._last_words is not None:
            self._hang_up(self._last_words)
        else:
            self.flow.resume_reading()
            if self._phase == READ:
                self.rest()

    def rest(self) -> None:
        self._phase = IDLE
        self._deadline = self.loop.time() + self._idle_s
        if self.state.draining:
            self.transport.close()

    def response_failed(self, cycle: EdgeCycle, reason: RefusalReason, status: int) -> None:
        """Answer *status* where the application did not; abort where it had begun."""
        self.active = None
        if cycle.lost or self.transport.is_closing():
            return
        gone, started = cycle.gone, cycle.started
        self.waiting.clear()
        cycle.lose()
        if started:
            self.transport.abort()
        elif gone:
            self.transport.close()
        else:
            self.state.refused(reason, status, self.client)
            self._hang_up(refusal(status, self.state.date))

    def refuse(self, reason: RefusalReason, status: int) -> None:
        """Answer *status* in its turn and end the connection."""
        if self._phase == SHUT:
            return
        self.state.refused(reason, status, self.client)
        answer = refusal(status, self.state.date)
        broken = self.latest if self._phase == BODY else None
        self._phase, self._deadline = SHUT, inf
        if broken is not None and broken is self.active:
            self.active = None
            started = broken.started
            broken.lose()
            if started:
                self.transport.abort()
                return
        elif broken is not None and broken.complete:
            answer = b""  # its answer is out already
        elif broken is not None:
            self.waiting.remove(broken)
        if self.active is None:
            self._hang_up(answer)
        else:
            self._last_words = answer
            self.flow.pause_reading()

    def _hang_up(self, answer: bytes) -> None:
        """Write *answer*, close our side, and give the client a moment to read it.

        A plain close with bytes unread resets the connection and destroys the answer (RFC 9112 section 9.6).
        """
        self._phase = SHUT
        self._last_words = None
        self._unaccounted = 0
        self._deadline = self.loop.time() + self.limits.linger_s
        if answer:
            self.transport.write(answer)
        self.flow.resume_reading()
        if self.carrier is not None:
            return  # TLS cannot be closed by half: the client's end or the deadline comes
        try:
            self.transport.write_eof()
        except OSError:  # the client has reset the connection, and we are about to be told
            self.transport.abort()

    # A client that reads more slowly than we write

    def pause_writing(self) -> None:
        super().pause_writing()
        for slow in self.state.backlog.add(self, self.loop.time()):
            assert isinstance(slow, EdgeProtocol)
            slow.give_up()

    def resume_writing(self) -> None:
        self.state.backlog.remove(self)
        super().resume_writing()

    def unsent(self) -> int:
        """Bytes of answers that the client has not taken."""
        size = self.transport.get_write_buffer_size()
        return size if self.carrier is None else size + self.carrier.get_write_buffer_size()

    def give_up(self) -> None:
        """Cut the connection off: its answers take memory that others need."""
        self.state.refused("unsent_too_much", 0, self.client)
        self.transport.abort()

    # Deadlines

    def tick(self, now: float, elapsed: float) -> None:
        """Look at every deadline; the listener's sweep calls this. See `EdgeLimits`."""
        if self._writes.is_stalled(self.unsent(), now):
            self.state.refused("write_stalled", 0, self.client)
            self.transport.abort()
        elif self.flow.read_paused or (self._phase == BODY and self._held_back()):
            # The time that we make the client wait is not its fault.
            self._deadline += elapsed
            if self._phase == BODY:
                self._body_since += elapsed
        elif now >= self._deadline:
            self._expire()
        elif self._phase == BODY:
            spent = now - self._body_since
            if spent > self.limits.body_grace_s and self._body_bytes < spent * self.limits.body_rate:
                self.refuse("body_too_slow", 408)

    def _held_back(self) -> bool:
        return self.latest is not None and self.latest.awaits_continue

    def _expire(self) -> None:
        if self._phase == HEAD:
            self.refuse("header_timeout", 408)
        elif self._phase == BODY:
            self.refuse("body_timeout", 408)
        elif self._phase == SHUT:
            self.transport.abort()
        else:
            if self._phase == NEW:
                self.state.refused("first_byte_timeout", 0, self.client)
            self.transport.close()
