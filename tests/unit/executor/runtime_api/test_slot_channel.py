"""A slot's channel: whose it is before, and from, the moment when it gets its function."""

from executor.core.instructions import RefuseReason
from executor.runtime_api.channel import EnvironmentChannel
from executor.runtime_api.connection import RuntimeConnection
from tests.support.runtime_wire import NEXT, MemoryTransport, Sink, delivery, split_replies

WAIT = b"GET /lockgate/specialise HTTP/1.1\r\nHost: runtime\r\n\r\n"


class Slot:
    def __init__(self) -> None:
        self.sink = Sink()
        self.channel = EnvironmentChannel(4, self.sink)
        self.connection, self.transport = self.connect()

    def connect(self) -> tuple[RuntimeConnection, MemoryTransport]:
        connection, transport = RuntimeConnection(self.channel), MemoryTransport()
        connection.connection_made(transport)
        return connection, transport

    def waiting(self) -> "Slot":
        self.connection.data_received(WAIT)
        assert self.transport.writes == []
        return self


def test_waiting_slot_gets_its_document_in_one_write_and_is_the_environment_from_then_on() -> None:
    slot = Slot().waiting()
    assert slot.sink.calls == [("slot_ready", 4)]
    assert slot.channel.specialise(9, b'{"mode":"warm"}')
    [reply] = split_replies(slot.transport.writes.pop())
    assert (reply.status, reply.body) == (200, b'{"mode":"warm"}')
    assert reply.headers["content-type"] == "application/json"
    slot.connection.data_received(NEXT)
    assert slot.sink.calls[-1] == ("next_asked", 9)
    assert slot.channel.deliver(delivery())


def test_environment_that_connects_anew_is_the_same() -> None:
    slot = Slot().waiting()
    assert slot.channel.specialise(9, b"{}")
    slot.connection.connection_lost(None)
    connection, _ = slot.connect()
    connection.data_received(NEXT)
    assert slot.sink.calls == [("slot_ready", 4), ("next_asked", 9)]


def test_channel_that_is_no_slots_refuses_the_wait() -> None:
    """C5: the sink knows whose it is; the twin that differs in its word alone is answered later."""
    slot = Slot()
    slot.sink.refuse["slot_ready"] = RefuseReason.UNKNOWN_ENVIRONMENT
    slot.connection.data_received(WAIT)
    assert [reply.status for reply in split_replies(b"".join(slot.transport.writes))] == [403]
    assert not slot.channel.specialise(9, b"{}")
    Slot().waiting()


def test_second_wait_is_refused_and_the_first_goes_on() -> None:
    slot = Slot().waiting()
    slot.sink.refuse["slot_ready"] = RefuseReason.INVALID_STATE
    connection, transport = slot.connect()
    connection.data_received(WAIT)
    assert b"State transition from Started to Specialised failed" in b"".join(transport.writes)
    assert slot.channel.specialise(9, b"{}")
    assert slot.transport.writes


def test_broken_connection_of_a_waiting_slot_is_told_once_and_it_gets_no_function() -> None:
    slot = Slot().waiting()
    slot.connection.connection_lost(None)
    assert slot.sink.calls == [("slot_ready", 4), ("slot_lost", 4)]
    assert not slot.channel.specialise(9, b"{}")
    assert slot.channel.environment == 4


def test_nothing_is_heard_of_a_slot_whose_channel_is_closed() -> None:
    slot = Slot().waiting()
    slot.channel.close()
    slot.connection.connection_lost(None)
    assert slot.sink.calls == [("slot_ready", 4)]
    assert not slot.channel.specialise(9, b"{}")


def test_request_behind_the_wait_ends_the_connection() -> None:
    """C5: nothing may be asked on it before the function is known: the answer would have to overtake the document."""
    slot = Slot().waiting()
    slot.connection.data_received(NEXT)
    assert ("next_asked", 4) not in slot.sink.calls
