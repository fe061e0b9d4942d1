"""Bytes in, sink calls and answers out, without sockets."""

import asyncio
import base64
import itertools
import os
import runpy
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.core.instructions import RefuseReason
from executor.runtime_api import connection as module
from executor.runtime_api.channel import MAX_CONNECTIONS, EnvironmentChannel
from executor.runtime_api.connection import RuntimeConnection
from executor.runtime_api.replies import RESPONSE_LIMIT_BYTES
from tests.support.runtime_wire import (
    INVOCATION,
    NEXT,
    REQUEST_ID,
    MemoryTransport,
    Reply,
    Sink,
    chunked,
    delivery,
    post,
    response,
    split_replies,
)

BOOTSTRAP = Path(module.__file__).parents[1] / "runtimes/python/bootstrap.py"
ERROR_PATH = f"{INVOCATION}/{REQUEST_ID}/error"
INIT_ERROR_PATH = "/2018-06-01/runtime/init/error"
INVOKED_WITH_ZEROS = (
    f"POST {INVOCATION}/{REQUEST_ID}/response HTTP/1.1\r\nHost: x\r\n"
    f"Content-Length: {'0' * 5000}2\r\n\r\n{{}}"
).encode()
STREAMING = "Lambda-Runtime-Function-Response-Mode: streaming\r\n"


class Wire:
    """One connection of a channel, or several."""

    def __init__(self) -> None:
        self.sink = Sink(changed=asyncio.Event())
        self.channel = EnvironmentChannel(7, self.sink)
        self.connection, self.transport = self.connect()

    def connect(self) -> tuple[RuntimeConnection, MemoryTransport]:
        connection, transport = RuntimeConnection(self.channel), MemoryTransport()
        connection.connection_made(transport)
        return connection, transport

    def feed(self, *reads: bytes) -> None:
        for data in reads:
            self.connection.data_received(data)

    def replies(self) -> list[Reply]:
        return split_replies(b"".join(self.transport.writes))

    def only_reply(self) -> Reply:
        [reply] = self.replies()
        return reply

    def running(self) -> "Wire":
        """With an event delivered and its bytes forgotten."""
        self.feed(NEXT)
        assert self.channel.deliver(delivery())
        self.forget()
        return self

    def forget(self) -> None:
        self.sink.calls.clear()
        self.transport.writes.clear()


def error_type(reply: Reply) -> str:
    return reply.body.decode().rpartition('"errorType":"')[2].rstrip('"}\n')


def test_event_is_one_write_to_the_pending_next() -> None:
    wire = Wire()
    wire.feed(NEXT)
    assert wire.transport.writes == []
    assert wire.channel.deliver(delivery(b'{"n":1}'))
    assert len(wire.transport.writes) == 1
    assert wire.only_reply().body == b'{"n":1}'
    assert wire.sink.calls == [("next_asked", 7)]


def test_delivery_without_a_pending_next_writes_nothing() -> None:
    wire = Wire()
    assert not wire.channel.deliver(delivery())
    wire.running()
    assert not wire.channel.deliver(delivery())
    assert wire.transport.writes == []


def test_response_and_next_in_one_read_are_two_calls_and_one_write() -> None:
    wire = Wire().running()
    wire.feed(response(b'"ok"') + NEXT)
    assert wire.sink.calls == [
        ("response_started", 7, REQUEST_ID),
        ("response_ended", 7, REQUEST_ID, b'"ok"', True),
        ("next_asked", 7),
    ]
    assert len(wire.transport.writes) == 1
    assert wire.only_reply().status == 202


USUAL_NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
USUAL_HEAD = (
    f"POST {INVOCATION}/{REQUEST_ID}/response HTTP/1.1\r\nHost: runtime\r\n"
    "Content-Type: application/json\r\nContent-Length: 4\r\n\r\n"
)
USUAL = USUAL_HEAD.encode() + b'"ok"' + USUAL_NEXT


def test_own_bootstrap_writes_what_is_read_without_the_parser(tmp_path: Path) -> None:
    bootstrap = runpy.run_path(os.fspath(BOOTSTRAP), run_name="bootstrap")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(tmp_path / "s"))
        listener.listen()
        connection = bootstrap["Connection"](os.fspath(tmp_path / "s"), None)
        connection._socket.close()
    answer = connection.post(f"invocation/{REQUEST_ID}/response", b'"ok"')
    assert answer + connection.next_request == USUAL


def without_parser(wire: Wire) -> Wire:
    class Broken:
        def feed_data(self, data: bytes) -> None:
            raise AssertionError(data)

    wire.connection._parser = Broken()
    return wire


def test_own_bootstraps_answer_needs_no_parser() -> None:
    wire = without_parser(Wire().running())
    wire.sink.on_next = lambda: assert_true(wire.channel.deliver(delivery(b'"second"')))
    wire.feed(USUAL)
    assert wire.sink.calls == [
        ("response_started", 7, REQUEST_ID),
        ("response_ended", 7, REQUEST_ID, b'"ok"', True),
        ("next_asked", 7),
    ]
    assert len(wire.transport.writes) == 1
    assert [reply.status for reply in wire.replies()] == [202, 200]


def test_refused_response_of_the_own_bootstrap_is_answered_and_next_still_asked() -> None:
    wire = without_parser(Wire().running())
    wire.sink.refuse["response_started"] = RefuseReason.INVALID_REQUEST_ID
    wire.feed(USUAL)
    assert wire.sink.names() == ["response_started", "next_asked"]
    assert [(reply.status, error_type(reply)) for reply in wire.replies()] == [(400, "InvalidRequestID")]


def test_channel_that_ends_with_the_response_asks_no_next() -> None:
    wire = without_parser(Wire().running())
    ended = wire.sink.response_ended

    def end_and_close(*what: Any, **how: Any) -> None:
        ended(*what, **how)
        wire.channel.close()

    wire.sink.response_ended = end_and_close  # type: ignore[method-assign]
    wire.feed(USUAL)
    assert wire.sink.names() == ["response_started", "response_ended"]


@pytest.mark.parametrize("at", range(1, len(USUAL)))
def test_own_bootstraps_answer_in_two_reads_is_the_same(at: int) -> None:
    wire = Wire().running()
    wire.feed(USUAL[:at], USUAL[at:])
    assert wire.sink.calls == [
        ("response_started", 7, REQUEST_ID),
        ("response_ended", 7, REQUEST_ID, b'"ok"', True),
        ("next_asked", 7),
    ]
    assert [reply.status for reply in wire.replies()] == [202]


def test_what_looks_usual_inside_a_body_is_a_body() -> None:
    wire = Wire().running()
    head = f"POST {INVOCATION}/{REQUEST_ID}/response HTTP/1.1\r\nContent-Length: {len(USUAL)}\r\n\r\n"
    wire.feed(head.encode(), USUAL)
    assert wire.sink.calls[1:] == [("response_ended", 7, REQUEST_ID, USUAL, True)]


def test_nothing_usual_is_heard_after_a_message_that_was_the_last() -> None:
    """HTTP/1.0 keeps no connection: the parser takes no more, however well it looks."""
    wire = Wire()
    wire.feed(b"GET /ping HTTP/1.0\r\n\r\n", USUAL)
    assert wire.sink.calls == []
    assert [reply.status for reply in wire.replies()] == [200, 400]


def test_nothing_usual_is_heard_beside_a_waiting_next() -> None:
    wire = Wire()
    wire.feed(NEXT, USUAL)
    assert wire.sink.names() == ["next_asked"]


def test_an_event_that_is_at_hand_leaves_with_the_202() -> None:
    wire = Wire().running()
    wire.sink.on_next = lambda: assert_true(wire.channel.deliver(delivery(b'"second"')))
    wire.feed(response() + NEXT)
    assert len(wire.transport.writes) == 1
    assert [(reply.status, reply.body) for reply in wire.replies()] == [
        (202, b'{"status":"OK"}\n'),
        (200, b'"second"'),
    ]


def assert_true(value: bool) -> None:
    assert value


@pytest.mark.parametrize(
    ("call", "request_bytes"),
    [
        pytest.param("next_asked", NEXT, id="next"),
        pytest.param("response_started", response(), id="response"),
        pytest.param("response_started", chunked([b"1"]), id="chunked-response"),
        pytest.param("error_posted", post(ERROR_PATH), id="error"),
        pytest.param("init_error_posted", post(INIT_ERROR_PATH), id="init-error"),
        pytest.param("response_too_large", response(b"x" * (RESPONSE_LIMIT_BYTES + 1)), id="too-large"),
    ],
)
@pytest.mark.parametrize(
    ("reason", "status", "kind"),
    [
        (RefuseReason.INVALID_REQUEST_ID, 400, "InvalidRequestID"),
        (RefuseReason.INVALID_STATE, 403, "InvalidStateTransition"),
        (RefuseReason.UNKNOWN_ENVIRONMENT, 403, "UnknownEnvironment"),
    ],
)
def test_every_refusal_has_its_answer(
    call: str, request_bytes: bytes, reason: RefuseReason, status: int, kind: str
) -> None:
    """C5: 400 for another's request id, 403 on a channel that belongs to nobody."""
    wire = Wire()
    wire.sink.refuse[call] = reason
    wire.feed(request_bytes)
    reply = wire.only_reply()
    assert (reply.status, error_type(reply)) == (status, kind)
    assert wire.sink.names() == [call]


@pytest.mark.parametrize(
    ("prepare", "request_bytes", "call", "text"),
    [
        pytest.param(b"", response(), "response_started", "from Started to InvocationResponse", id="early"),
        pytest.param(
            NEXT, post(INIT_ERROR_PATH), "init_error_posted", "from Running to InitError", id="init"
        ),
        pytest.param(
            NEXT + response(),
            response(),
            "response_started",
            "from RuntimeResponseSentState to InvocationResponse",
            id="second-response",
        ),
        pytest.param(
            NEXT + post(ERROR_PATH),
            post(ERROR_PATH),
            "error_posted",
            "from RuntimeResponseSentState to InvocationErrorResponse",
            id="second-error",
        ),
        pytest.param(NEXT, NEXT, "next_asked", "from Running to Ready", id="next-while-running"),
        pytest.param(
            post(INIT_ERROR_PATH), NEXT, "next_asked", "from InitError to Ready", id="next-after-init-error"
        ),
    ],
)
def test_state_refusals_name_both_states(prepare: bytes, request_bytes: bytes, call: str, text: str) -> None:
    wire = Wire()
    if prepare.startswith(NEXT):
        wire.running()
        prepare = prepare[len(NEXT) :]
    wire.feed(prepare)
    wire.forget()
    wire.sink.refuse[call] = RefuseReason.INVALID_STATE
    wire.feed(request_bytes)
    assert f"State transition {text} failed for runtime." in wire.only_reply().body.decode()


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ("", "Function.Unknown"),
        ("Lambda-Runtime-Function-Error-Type: Runtime.MarshalError\r\n", "Runtime.MarshalError"),
        ("lambda-runtime-function-error-type: ZeroDivisionError\r\n", "Function.Unknown"),
    ],
)
def test_error_keeps_its_body_and_a_clean_type(headers: str, kept: str) -> None:
    wire = Wire().running()
    wire.feed(post(ERROR_PATH, b'{"errorMessage": "x"}', headers=headers))
    assert wire.sink.calls == [("error_posted", 7, REQUEST_ID, b'{"errorMessage": "x"}', kept)]
    assert wire.only_reply().status == 202


def test_init_error_is_passed_on() -> None:
    wire = Wire()
    header = "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n"
    wire.feed(post(INIT_ERROR_PATH, b"{}", headers=header))
    assert wire.sink.calls == [("init_error_posted", 7, b"{}", "Runtime.ImportModuleError")]
    assert wire.only_reply().body == b'{"status":"OK"}\n'


def test_ping_needs_no_state() -> None:
    wire = Wire()
    wire.feed(b"GET /ping HTTP/1.1\r\n\r\n")
    assert wire.only_reply().body == b"pong"
    assert wire.sink.calls == []


def test_expected_continue_is_given() -> None:
    wire = Wire().running()
    request = response(b"body", headers="Expect: 100-continue\r\n")
    wire.feed(request[:-4])
    assert wire.transport.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    wire.feed(request[-4:])
    assert wire.sink.calls[-1] == ("response_ended", 7, REQUEST_ID, b"body", True)


def test_connection_close_is_honoured_after_the_answer() -> None:
    wire = Wire().running()
    wire.feed(response(headers="Connection: close\r\n"))
    assert wire.only_reply().status == 202
    assert wire.transport.closing


def test_connection_close_on_next_waits_for_the_event() -> None:
    wire = Wire()
    wire.feed(NEXT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert not wire.transport.closing
    assert wire.channel.deliver(delivery())
    assert wire.transport.closing


# --- sizes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", [0, 1])
def test_limit_is_six_mebibytes_and_a_hundred_bytes(over: int) -> None:
    wire = Wire().running()
    wire.feed(response(b"x" * (RESPONSE_LIMIT_BYTES + over)) + NEXT)
    assert wire.only_reply().status == (413 if over else 202)
    assert wire.sink.names()[0] == ("response_too_large" if over else "response_started")
    assert wire.sink.names()[-1] == "next_asked"


def test_declared_size_is_refused_before_the_body_comes() -> None:
    wire = Wire().running()
    head = f"POST {INVOCATION}/{REQUEST_ID}/response HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n"
    wire.feed(head.encode())
    assert error_type(wire.only_reply()) == "RequestEntityTooLarge"
    wire.feed(b"x" * 1000)
    assert wire.connection._chunks == []
    assert wire.sink.calls == [("response_too_large", 7, REQUEST_ID)]


def test_chunked_size_is_counted_and_the_rest_dropped() -> None:
    wire = Wire().running()
    wire.feed(chunked([b"x" * 1024 * 1024] * 9) + NEXT)
    assert wire.sink.names() == ["response_too_large", "next_asked"]
    assert wire.only_reply().status == 413


@pytest.mark.parametrize("over", [0, 1])
def test_limit_of_a_chunked_body_is_the_same(over: int) -> None:
    wire = Wire().running()
    wire.feed(chunked([b"x" * RESPONSE_LIMIT_BYTES, b"y" * over] if over else [b"x" * RESPONSE_LIMIT_BYTES]))
    assert wire.only_reply().status == (413 if over else 202)


def test_limit_is_of_one_body_not_of_the_connection() -> None:
    wire = Wire().running()
    wire.feed(response(b"x" * 4 * 1024 * 1024))
    wire.feed(response(b"y" * 4 * 1024 * 1024))
    assert [reply.status for reply in wire.replies()] == [202, 202]
    assert wire.sink.calls[-1][3] == b"y" * 4 * 1024 * 1024


def test_oversized_errors_are_bounded_too() -> None:
    wire = Wire().running()
    wire.feed(post(ERROR_PATH, b"x" * (RESPONSE_LIMIT_BYTES + 1)))
    assert wire.sink.calls == [("response_too_large", 7, REQUEST_ID)]
    fresh = Wire()
    fresh.feed(post(INIT_ERROR_PATH, b"x" * (RESPONSE_LIMIT_BYTES + 1)))
    [call] = fresh.sink.calls
    assert call[0] == "init_error_posted"
    assert b"RequestEntityTooLarge" in call[2]
    assert fresh.only_reply().status == 413


# --- streams -----------------------------------------------------------------------------------------


def test_streamed_response_is_collected() -> None:
    wire = Wire().running()
    wire.feed(chunked([b"a", b"b"], headers=STREAMING))
    assert wire.sink.calls == [
        ("response_started", 7, REQUEST_ID),
        ("response_ended", 7, REQUEST_ID, b"ab", True),
    ]


def test_error_in_the_trailers_of_a_stream_is_the_functions_error() -> None:
    wire = Wire().running()
    error = base64.b64encode(b'{"errorType": "E"}').decode()
    trailers = (
        f"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n"
        f"Lambda-Runtime-Function-Error-Body: {error}\r\n"
    )
    wire.feed(chunked([b"half"], headers=STREAMING, trailers=trailers))
    assert wire.sink.calls == [("error_posted", 7, REQUEST_ID, b'{"errorType": "E"}', "Runtime.StreamError")]
    assert wire.only_reply().status == 202


def test_other_response_modes_are_refused() -> None:
    wire = Wire().running()
    wire.feed(response(headers="Lambda-Runtime-Function-Response-Mode: buffered\r\n"))
    assert error_type(wire.only_reply()) == "InvalidFunctionResponseMode"
    assert wire.sink.calls == []


# --- breaks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_bytes", [response(b"0123456789"), chunked([b"01234", b"56789"])], ids=["length", "chunked"]
)
def test_connection_lost_inside_a_body_ends_the_response_incomplete(request_bytes: bytes) -> None:
    wire = Wire().running()
    wire.feed(request_bytes[:-8])
    wire.connection.connection_lost(ConnectionResetError())
    assert wire.sink.names() == ["response_started", "response_ended"]
    assert wire.sink.calls[-1][-1] is False


def test_half_closed_connection_inside_a_body_is_told_truncated() -> None:
    wire = Wire().running()
    wire.feed(response(b"0123456789")[:-3])
    wire.connection.eof_received()
    wire.connection.connection_lost(None)
    assert error_type(wire.only_reply()) == "TruncatedHTTPRequest"
    assert wire.sink.calls[1:] == [("response_ended", 7, REQUEST_ID, b"0123456", False)]


def test_connection_lost_inside_an_error_post_tells_nothing() -> None:
    wire = Wire().running()
    wire.feed(post(ERROR_PATH, b"0123456789")[:-3])
    wire.connection.connection_lost(None)
    assert wire.sink.calls == []


def test_delivery_to_a_lost_connection_fails() -> None:
    wire = Wire()
    wire.feed(NEXT)
    wire.connection.connection_lost(None)
    assert not wire.channel.deliver(delivery())


def test_delivery_to_a_closing_connection_fails() -> None:
    wire = Wire()
    wire.feed(NEXT)
    wire.transport.closing = True
    assert not wire.channel.deliver(delivery())
    assert wire.transport.writes == []


def test_next_after_a_lost_one_takes_its_place_unasked() -> None:
    """A runtime's connection broke while it waited, and it came back: the sink believes it waited on."""
    wire = Wire()
    wire.feed(NEXT)
    wire.connection.connection_lost(None)
    second, transport = wire.connect()
    second.data_received(NEXT)
    assert wire.sink.names() == ["next_asked"]
    assert wire.channel.deliver(delivery())
    assert len(transport.writes) == 1


def test_next_beside_one_that_is_closing_takes_its_place() -> None:
    wire = Wire()
    wire.feed(NEXT)
    wire.transport.closing = True
    second, transport = wire.connect()
    second.data_received(NEXT)
    wire.connection.connection_lost(None)
    assert wire.sink.names() == ["next_asked"]
    assert wire.channel.deliver(delivery())
    assert len(transport.writes) == 1


def test_refused_next_waits_for_nothing() -> None:
    wire = Wire()
    wire.sink.refuse["next_asked"] = RefuseReason.INVALID_STATE
    wire.feed(NEXT)
    wire.sink.refuse.clear()
    assert not wire.channel.deliver(delivery())
    wire.feed(NEXT)
    assert wire.channel.deliver(delivery())
    assert [reply.status for reply in wire.replies()] == [403, 200]


def test_second_next_beside_a_waiting_one_is_refused() -> None:
    wire = Wire()
    wire.feed(NEXT)
    second, transport = wire.connect()
    second.data_received(NEXT)
    [reply] = split_replies(b"".join(transport.writes))
    assert "from Ready to Ready" in reply.body.decode()
    assert wire.sink.names() == ["next_asked"]
    assert wire.channel.deliver(delivery())
    assert len(wire.transport.writes) == 1


@pytest.mark.parametrize("request_bytes", [NEXT, response(), b"GET /ping HTTP/1.1\r\n\r\n"])
def test_requests_behind_a_waiting_next_end_the_connection(request_bytes: bytes) -> None:
    wire = Wire()
    wire.feed(NEXT + request_bytes)
    assert wire.transport.closing
    assert wire.sink.names() == ["next_asked"]
    assert not wire.channel.deliver(delivery())


# --- hostile -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nx",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    ],
    ids=["tls", "two-lengths", "negative-length", "length-and-chunked", "upgrade", "connect"],
)
def test_junk_ends_the_connection(junk: bytes) -> None:
    wire = Wire()
    wire.feed(junk)
    assert wire.transport.closing
    assert wire.replies()[-1].status == 400
    assert wire.sink.calls == []
    wire.feed(NEXT)
    assert wire.sink.calls == []


def test_body_in_tiny_chunks_takes_no_more_memory_than_its_bytes() -> None:
    wire = Wire().running()
    head, _, body = chunked([b"ab"] * 100_000).partition(b"\r\n\r\n")

    wire.feed(head + b"\r\n\r\n", body[:-5])

    held = wire.connection._chunks
    assert sum(map(sys.getsizeof, held)) + sys.getsizeof(held) < 3 * 200_000
    wire.feed(body[-5:])
    assert wire.only_reply().status == 202
    assert wire.sink.calls[-1][-2:] == (b"ab" * 100_000, True)


def test_length_of_thousands_of_digits_is_refused_as_a_size() -> None:
    wire = Wire().running()

    wire.feed(INVOKED_WITH_ZEROS)

    assert wire.only_reply().status == 413


@pytest.mark.parametrize(
    "head", [b"GET /ping HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"]
)
@pytest.mark.parametrize("line", [b"a: " + b"b" * 500 + b"\r\n", b"c" * 500], ids=["many", "one"])
def test_flood_of_headers_ends_the_connection(head: bytes, line: bytes) -> None:
    wire = Wire()
    wire.feed(head)
    wire.transport.writes.clear()
    for _ in range(2 * module.HEAD_LIMIT_BYTES // 4000):
        wire.feed(line * 8)
        if wire.transport.closing:
            break
    assert wire.only_reply().status in (400, 431)
    assert wire.transport.closing


def test_head_in_single_bytes_ends_the_connection_early() -> None:
    """The parser copies what it has of a header at each read: 1 MiB byte by byte would be 500 GiB of copies."""
    wire = Wire()
    wire.feed(b"GET /ping HTTP/1.1\r\na: ")
    for _ in range(20_000):
        wire.feed(b"b")
        if wire.transport.closing:
            break
    assert wire.only_reply().status == 431


def test_pieces_of_one_head_are_not_charged_to_the_next() -> None:
    wire = Wire()
    for _ in range(3):
        wire.feed(b"GET /ping HTTP/1.1\r\na: ", b"b" * (module.HEAD_LIMIT_BYTES // 2), b"\r\n\r\n")
    assert [reply.status for reply in wire.replies()] == [200, 200, 200]
    assert (wire.connection._stalled_bytes, wire.connection._stalled_work) == (0, 0)


def test_long_path_ends_the_connection() -> None:
    wire = Wire()
    wire.feed(b"GET /" + b"a" * 2000)
    assert wire.only_reply().status == 431


def test_header_of_a_mebibyte_is_let_in() -> None:
    """awslambdaric sends stacks of up to 1 MiB in one header; a recursion error's is over 100 KiB."""
    wire = Wire().running()
    request = post(
        ERROR_PATH, headers="Lambda-Runtime-Function-XRay-Error-Cause: " + "x" * 1024 * 1024 + "\r\n"
    )
    for start in range(0, len(request), 65536):
        wire.feed(request[start : start + 65536])
    assert wire.only_reply().status == 202


def test_ninth_connection_is_turned_away() -> None:
    wire = Wire()
    others = [wire.connect() for _ in range(MAX_CONNECTIONS)]
    assert [transport.closing for _, transport in others] == [False] * 7 + [True]
    others[0][0].connection_lost(None)
    assert not wire.connect()[1].closing


# --- close -------------------------------------------------------------------------------------------


def test_nothing_is_heard_after_close() -> None:
    wire = Wire().running()
    wire.feed(response(b"0123456789")[:-3])
    wire.forget()
    wire.channel.close()
    wire.channel.close()
    assert wire.transport.closing
    wire.feed(b"789" + NEXT)
    wire.connection.connection_lost(None)
    assert wire.sink.calls == []
    assert not wire.channel.deliver(delivery())


def test_close_from_inside_a_call_stops_the_rest_of_the_read() -> None:
    """The fleet retires an environment at its `next`; what was pipelined behind must not reach it."""
    wire = Wire()
    wire.sink.on_next = wire.channel.close
    wire.feed(NEXT + response() + post(ERROR_PATH))
    assert wire.sink.names() == ["next_asked"]
    assert wire.transport.writes == []


def test_failure_of_the_sink_is_not_the_runtimes_fault() -> None:
    wire = Wire()

    def fail() -> None:
        raise LookupError

    wire.sink.on_next = fail
    with pytest.raises(Exception, match="callback") as caught:
        wire.feed(NEXT)
    assert isinstance(caught.value.__context__, LookupError)
    assert wire.transport.writes == []


# --- property ----------------------------------------------------------------------------------------


def conversation() -> bytes:
    trailers = (
        "Lambda-Runtime-Function-Error-Type: Function.Late\r\nLambda-Runtime-Function-Error-Body: e30=\r\n"
    )
    return b"".join(
        (
            b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
            response(b"first" * 50),
            post(ERROR_PATH, b'{"e":1}', headers="Lambda-Runtime-Function-Error-Type: Runtime.Broken\r\n"),
            chunked([b"one", b"two" * 30]),
            post("/2018-06-01/runtime/nothing", b"dropped"),
            chunked([b"half"], headers=STREAMING, trailers=trailers),
            response(b"", headers="X-Padding: " + "y" * 100 + "\r\n"),
            NEXT,
        )
    )


def outcome(reads: list[bytes]) -> tuple[list[tuple[Any, ...]], bytes]:
    wire = Wire()
    wire.feed(*reads)
    assert wire.channel.deliver(delivery())
    return wire.sink.calls, b"".join(wire.transport.writes)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=len(conversation())), max_size=40))
def test_cutting_the_stream_anywhere_changes_nothing(cuts: list[int]) -> None:
    stream = conversation()
    edges = [0, *sorted(cuts), len(stream)]
    reads = [stream[start:end] for start, end in itertools.pairwise(edges) if end > start]
    assert outcome(reads) == outcome([stream])


def test_single_bytes_change_nothing() -> None:
    stream = conversation()
    assert outcome([stream[index : index + 1] for index in range(len(stream))]) == outcome([stream])
