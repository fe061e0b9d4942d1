import os
import socket
from collections.abc import Iterator

import pytest

from executor.drivers.process.slots import Slots
from executor.drivers.process.variables import needs_fresh_interpreter
from executor.drivers.process.wire import MAX_MESSAGE, Inbox, encode, send, send_whole


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def test_message_cut_anywhere_is_put_together(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    data = encode({"a": "é"}) + encode({"b": 2})
    for cut in range(1, len(data)):
        inbox = Inbox(theirs)
        ours.sendall(data[:cut])
        first = inbox.receive()
        ours.sendall(data[cut:])
        assert [message for message, _ in first + inbox.receive()] == [{"a": "é"}, {"b": 2}]


def test_descriptors_come_with_their_own_message(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    reading, writing = os.pipe()
    send_whole(ours, {"n": 1}, [])
    send_whole(ours, {"n": 2}, [writing, reading])
    send_whole(ours, {"n": 3}, [])
    inbox = Inbox(theirs)
    received = []
    while len(received) < 3:
        received += inbox.receive()
    assert [len(fds) for _, fds in received] == [0, 2, 0]
    copies = received[1][1]
    assert not any(os.get_inheritable(fd) for fd in copies)
    os.write(copies[0], b"x")
    assert os.read(copies[1], 1) == b"x"
    for fd in (reading, writing, *copies):
        os.close(fd)


def test_full_socket_is_told_and_nothing_is_lost(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.setblocking(False)
    data = encode({"x": "y" * 900_000})
    sent = send(ours, data, [])
    assert sent < len(data)
    with pytest.raises(BlockingIOError):
        send(ours, data[sent:] * 9, [])
    inbox = Inbox(theirs)
    received: list[object] = []
    while not received:
        received = list(inbox.receive())
        if sent < len(data):
            sent += send(ours, data[sent:], [])
    assert len(received) == 1


def test_end_and_nonsense_are_told(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    with pytest.raises(ValueError, match="too large"):
        encode({"x": "y" * MAX_MESSAGE})
    inbox = Inbox(theirs)
    ours.sendall(b"\xff\xff\xff\xff\x00")
    with pytest.raises(ValueError, match="not a message"):
        inbox.receive()
    ours.close()
    with pytest.raises(EOFError):
        Inbox(theirs).receive()


def test_smallest_free_slot_is_taken() -> None:
    slots = Slots()
    assert [slots.take() for _ in range(4)] == [0, 1, 2, 3]
    slots.give_back(2)
    slots.give_back(0)
    assert [slots.take() for _ in range(3)] == [0, 2, 4]


@pytest.mark.parametrize(
    ("name", "fresh"),
    [
        ("LD_PRELOAD", True),
        ("PYTHONPATH", True),
        ("TZ", True),
        ("LANG", True),
        ("LC_ALL", True),
        ("SSL_CERT_FILE", True),
        ("OPENSSL_CONF", True),
        ("MALLOC_ARENA_MAX", True),
        ("AWS_LAMBDA_EXEC_WRAPPER", True),
        ("TZ_NAME", False),
        ("LANGUAGE", False),
        ("MY_PYTHONPATH", False),
        ("PATH", False),
    ],
)
def test_what_acts_at_process_start_needs_a_fresh_interpreter(name: str, fresh: bool) -> None:
    assert needs_fresh_interpreter({"A": "1", name: "x"}) is fresh
