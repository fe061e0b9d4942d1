"""Answers on the wire, the client's leaving, and the order of pipelined requests."""

import asyncio
import gc
import json
import logging
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kit.edge_limits import EdgeLimits
from kit.listener import Listener, bind
from tests.support.edge_wire import PROBE, App, Edge, Wire, respond, start_edge

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
async def edges() -> AsyncIterator[list[Edge]]:
    started: list[Edge] = []
    yield started
    for edge in started:
        await edge.stop()


@pytest.fixture
def serve(edges: list[Edge]) -> Callable[..., Any]:
    async def serve(app: App, limits: EdgeLimits | None = None) -> Edge:
        edges.append(await start_edge(app, limits))
        return edges[-1]

    return serve


def answering(*messages: dict[str, Any]) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes = b"", more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def without_date(raw: bytes) -> bytes:
    return b"\r\n".join(line for line in raw.split(b"\r\n") if not line.startswith(b"date: "))


CLOSE = b"GET /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
END = b"connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "messages", "expected"),
    [
        pytest.param(
            CLOSE,
            [start(200, (b"X-A", b"1")), body(b"abc")],
            b"HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 3\r\n" + END + b"abc",
            id="length-is-added-when-the-whole-body-is-known",
        ),
        pytest.param(
            CLOSE,
            [start(), body(b"abc", True), body(b"", True), body(b"de")],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + END + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            id="chunked-when-it-is-not",
        ),
        pytest.param(
            CLOSE,
            [start(200, (b"content-length", b"5")), body(b"abc", True), body(b"de")],
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n" + END + b"abcde",
            id="length-of-the-application",
        ),
        pytest.param(
            b"GET /p HTTP/1.0\r\n\r\n",
            [start(), body(b"abc", True), body(b"de")],
            b"HTTP/1.1 200 OK\r\n" + END + b"abcde",
            id="http10-ends-with-the-connection",
        ),
        pytest.param(
            CLOSE.replace(b"GET", b"HEAD"),
            [start(200, (b"content-length", b"5")), body()],
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n" + END,
            id="head-keeps-the-length",
        ),
        pytest.param(
            CLOSE.replace(b"GET", b"HEAD"),
            [start(), body(b"abc")],
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n" + END,
            id="head-has-no-body",
        ),
        pytest.param(
            CLOSE.replace(b"GET", b"HEAD"),
            [start(), body(b"abc", True), body()],
            b"HTTP/1.1 200 OK\r\n" + END,
            id="head-of-a-stream",
        ),
        pytest.param(
            CLOSE,
            [start(204, (b"content-length", b"0")), body(b"abc")],
            b"HTTP/1.1 204 No Content\r\n" + END,
            id="204-has-neither-length-nor-body",
        ),
        pytest.param(
            CLOSE,
            [start(304, (b"content-length", b"9"), (b"etag", b"x")), body()],
            b"HTTP/1.1 304 Not Modified\r\netag: x\r\ncontent-length: 9\r\n" + END,
            id="304-may-tell-the-length",
        ),
        pytest.param(
            CLOSE,
            [start(299), body()],
            b"HTTP/1.1 299 \r\ncontent-length: 0\r\n" + END,
            id="status-without-a-name",
        ),
        pytest.param(
            CLOSE,
            [
                start(200, (b"transfer-encoding", b"chunked"), (b"keep-alive", b"1"), (b"upgrade", b"x")),
                body(b"a"),
            ],
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n" + END + b"a",
            id="framing-is-ours",
        ),
        pytest.param(
            GET,
            [start(200, (b"Connection", b"Close")), body(b"a")],
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n" + END + b"a",
            id="the-application-may-close",
        ),
        pytest.param(
            CLOSE,
            [start(), body(b"a" * 100_000)],
            b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n" + END + b"a" * 100_000,
            id="large-body",
        ),
    ],
)
async def test_answer_on_the_wire(serve: Any, request_bytes: bytes, messages: Any, expected: bytes) -> None:
    edge = await serve(answering(*messages))
    wire = await edge.connect(request_bytes)
    raw = await wire.rest()
    assert raw.count(b"\r\ndate: ") == 1
    assert without_date(raw) == expected


async def test_no_answer_names_the_server(serve: Any) -> None:
    """H18: neither an application's answer nor a refusal; each refusal has an id."""
    edge = await serve(answering(start(), body(b"ok")))
    answers = [await (await edge.connect(data)).answer() for data in (GET, b"BAD\r\n\r\n")]
    assert [answer.status for answer in answers] == [200, 400]
    for answer in answers:
        assert not {"server", "x-powered-by", "via"} & set(answer.headers)
    assert len(answers[1].headers["apigw-requestid"]) == 16


async def test_own_date_is_kept(serve: Any) -> None:
    edge = await serve(answering(start(200, (b"date", b"then")), body()))
    answer = await (await edge.connect(GET)).answer()
    assert [value for name, value in answer.fields if name == "date"] == ["then"]


async def test_head_and_body_leave_in_one_write(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    edge = await serve(answering(start(), body(b"abc")))
    wire = await edge.connect(PROBE)
    await wire.answer()
    (connection,) = edge.state.connections
    written: list[bytes] = []

    class Spy:
        def __init__(self, transport: Any) -> None:
            self.transport = transport

        def write(self, data: bytes) -> None:
            written.append(data)
            self.transport.write(data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.transport, name)

    connection.transport = Spy(connection.transport)
    wire.send(GET)
    await wire.answer()
    assert len(written) == 1
    assert written[0].endswith(b"\r\n\r\nabc")


@pytest.mark.parametrize(
    ("size", "pieces"), [pytest.param(65536, 1, id="joined"), pytest.param(65537, 2, id="apart")]
)
async def test_large_body_is_handed_over_as_it_is(serve: Any, size: int, pieces: int) -> None:
    """Head and body were joined: a copy of 5 MB for each answer of the same file. One call still, and one packet."""
    content = b"a" * size
    edge = await serve(answering(start(), body(content)))
    wire = await edge.connect(PROBE)
    await wire.answer()
    (connection,) = edge.state.connections
    calls: list[tuple[bytes, ...]] = []

    class Spy:
        def __init__(self, transport: Any) -> None:
            self.transport = transport

        def write(self, data: bytes) -> None:
            calls.append((data,))
            self.transport.write(data)

        def writelines(self, pieces: tuple[bytes, ...]) -> None:
            calls.append(pieces)
            self.transport.writelines(pieces)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.transport, name)

    connection.transport = Spy(connection.transport)
    wire.send(GET)
    assert (await wire.answer()).body == content
    (written,) = calls
    assert len(written) == pieces
    assert written[0].startswith(b"HTTP/1.1 200 OK")
    assert pieces == 1 or written[1] is content


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([start(200, (b"x", b"a\r\nset-cookie: b")), body()], id="crlf-in-value"),
        pytest.param([start(200, (b"x\nset-cookie", b"b")), body()], id="lf-in-name"),
        pytest.param([start(200, (b"x", b"a\rb")), body()], id="cr"),
        pytest.param([start(200, (b"x", b"a\0b")), body()], id="nul"),
        pytest.param([start(200, (b"date", b"a\r\nx: y")), body()], id="crlf-in-date"),
        pytest.param([start(200, (b"content-length", b"2\r\nx: y")), body(b"ab")], id="crlf-in-length"),
        pytest.param([start(99), body()], id="status-99"),
        pytest.param([start(101), body()], id="status-101"),
        pytest.param([start(600), body()], id="status-600"),
        pytest.param([start(200, (b"content-length", b"2")), body(b"abc")], id="longer-than-it-says"),
        pytest.param([start(200, (b"content-length", b"4")), body(b"abc")], id="shorter-than-it-says"),
        pytest.param([body(b"abc")], id="body-first"),
        pytest.param([start(), start()], id="two-starts"),
        pytest.param([start()], id="start-only"),
        pytest.param([], id="nothing"),
    ],
)
async def test_bad_answer_becomes_500(serve: Any, messages: Any, caplog: pytest.LogCaptureFixture) -> None:
    """H13: the second fence, behind the gateway's own checks; `test_answer_on_the_wire` has the twins."""
    caplog.set_level(logging.CRITICAL)
    edge = await serve(answering(*messages))
    wire = await edge.connect(GET)
    answer = await wire.answer()
    assert (answer.status, json.loads(answer.body)) == (500, {"message": "Internal Server Error"})
    assert "set-cookie" not in answer.headers
    assert await wire.rest() == b""


async def test_application_that_raises_becomes_500_and_is_logged(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """H18: not a word of it on the wire."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("secret detail")

    edge = await serve(app)
    answer = await (await edge.connect(GET)).answer()
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "secret detail" in caplog.text
    assert edge.refused == [("app_failed", 500)]


@pytest.mark.parametrize("length", [[], [(b"content-length", b"9")]])
async def test_failure_in_mid_stream_aborts(
    serve: Any, length: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200, *length))
        await send(body(b"abc", True))
        raise ValueError("too late for a status")

    edge = await serve(app)
    wire = await edge.connect(GET)
    raw = await wire.rest()
    assert b"0\r\n\r\n" not in raw
    assert b"500" not in raw


async def test_pipelined_answers_keep_their_order(serve: Any) -> None:
    """The second request could be answered at once, the first takes its time."""
    first = asyncio.Event()
    began: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        began.append(scope["path"])
        if scope["path"] == "/1":
            await first.wait()
        await respond(send, scope["path"].encode())

    edge = await serve(app)
    wire = await edge.connect(b"".join(GET.replace(b"/p", b"/%d" % n) for n in (1, 2, 3)) + b"BAD\r\n\r\n")
    await edge.until(lambda: edge.refused != [] and began != [])
    assert began == ["/1"]
    first.set()
    assert [(await wire.answer()).body for _ in range(3)] == [b"/1", b"/2", b"/3"]
    assert (await wire.answer()).status == 400
    assert await wire.rest() == b""


async def test_queued_request_with_a_bad_body_never_runs_and_is_refused_in_turn(serve: Any) -> None:
    first = asyncio.Event()
    began: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        began.append(scope["path"])
        await first.wait()
        await respond(send, b"ok")

    edge = await serve(app)
    wire = await edge.connect(
        GET + b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    )
    await edge.until(lambda: edge.refused != [])
    first.set()
    assert [(await wire.answer()).status for _ in range(2)] == [200, 400]
    assert began == ["/p"]


async def test_bad_body_is_refused_while_the_application_waits_for_it(serve: Any) -> None:
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            pass
        ended.append(message["type"])
        await respond(send, b"nobody hears this")

    edge = await serve(app)
    wire = await edge.connect(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n"
    )
    assert (await wire.answer()).status == 400
    assert await wire.rest() == b""
    assert ended == ["http.disconnect"]


async def test_early_answer_leaves_the_rest_of_the_body_unread_but_in_frame(serve: Any) -> None:
    edge = await serve(answering(start(401), body(b"no")))
    wire = await edge.connect(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
    assert (await wire.answer()).status == 401
    wire.send(b"a" * 200_000 + GET)
    assert (await wire.answer()).status == 401
    wire.send(GET)
    assert (await wire.answer()).status == 401


async def test_answer_without_100_ends_the_connection(serve: Any) -> None:
    """The client may send the body or not: what follows has no known meaning."""
    edge = await serve(answering(start(401), body(b"no")))
    wire = await edge.connect(
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    )
    answer = await wire.answer()
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    wire.send(GET)
    assert await wire.rest() == b""


async def test_body_now_is_none_until_the_body_is_whole(serve: Any) -> None:
    seen: list[Any] = []
    looked = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        connection = scope["extensions"]["lockgate"]
        seen.append((connection.content_length, connection.body_now()))
        looked.set()
        message = await receive()
        seen.append((message["body"], message["more_body"], connection.body_now()))
        await respond(send, b"ok")

    edge = await serve(app)
    wire = await edge.connect(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
    await looked.wait()
    wire.send(b"abc")
    await wire.answer()
    assert seen == [(3, None), (b"abc", False, None)]


async def test_body_now_gives_a_whole_body_once(serve: Any) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        connection = scope["extensions"]["lockgate"]
        seen.extend([connection.content_length, connection.body_now(), connection.body_now()])
        await respond(send, b"ok")

    edge = await serve(app)
    big = b"a" * 70_000
    wire = await edge.connect(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    await wire.answer()
    wire.send(GET)
    await wire.answer()
    assert seen == [3, b"abc", None, 0, b"", None]
    wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(big) + big)
    assert (await wire.answer()).status == 200


async def test_large_body_is_read_piece_by_piece(serve: Any) -> None:
    largest = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal largest
        total = 0
        more = True
        while more:
            message = await receive()
            largest = max(largest, len(message["body"]))
            total += len(message["body"])
            more = message["more_body"]
        await respond(send, b"%d" % total)

    edge = await serve(app)
    wire = await edge.connect(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" + b"a" * 5_000_000
    )
    assert (await wire.answer()).body == b"5000000"
    assert largest < 1_000_000, "backpressure: never the whole body at once"


class Waiting:
    """An application that waits for the client to leave."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.gone = asyncio.Event()
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"]["lockgate"].on_gone(self.left)
        self.began.set()
        await self.gone.wait()
        await respond(send, b"late")

    def left(self) -> None:
        self.calls += 1
        self.gone.set()


@pytest.mark.parametrize("how", ["close", "reset", "half"])
async def test_application_is_told_once_that_the_client_left(serve: Any, how: str) -> None:
    app = Waiting()
    edge = await serve(app)
    wire = await edge.connect(GET)
    await app.began.wait()
    if how == "close":
        wire.writer.close()
    elif how == "reset":
        wire.writer.transport.abort()
    else:
        wire.writer.write_eof()
    await app.gone.wait()
    await edge.until(lambda: edge.listener.connections == 0)
    assert app.calls == 1
    assert edge.refused == []


async def test_half_closed_client_still_gets_its_answer(serve: Any) -> None:
    app = Waiting()
    edge = await serve(app)
    wire = await edge.connect(GET)
    wire.writer.write_eof()
    answer = await wire.answer()
    assert (answer.body, answer.headers["connection"]) == (b"late", "close")
    assert await wire.rest() == b""


async def test_half_closed_client_gets_all_its_pipelined_answers(serve: Any) -> None:
    edge = await serve(answering(start(), body(b"a")))
    wire = await edge.connect(GET * 3)
    wire.writer.write_eof()
    assert [(await wire.answer()).body for _ in range(3)] == [b"a"] * 3
    assert await wire.rest() == b""


async def test_client_that_leaves_in_its_body_ends_the_request(serve: Any) -> None:
    messages: list[Any] = []
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while not messages or messages[-1]["type"] != "http.disconnect":
            messages.append(await receive())
        ended.set()

    edge = await serve(app)
    wire = await edge.connect(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    wire.writer.write_eof()
    await ended.wait()
    assert all(m.get("more_body", True) for m in messages), "a cut body is never taken for a whole one"
    assert await wire.rest() == b""


async def test_gone_callback_is_not_called_after_a_complete_answer(serve: Any) -> None:
    calls: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"]["lockgate"].on_gone(lambda: calls.append(1))
        await respond(send, b"ok")

    edge = await serve(app)
    wire = await edge.connect(GET)
    await wire.answer()
    await wire.close()
    await edge.until(lambda: edge.listener.connections == 0)
    assert calls == []


async def test_gone_callback_set_late_is_called_at_once(serve: Any) -> None:
    calls: list[int] = []
    done = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        connection = scope["extensions"]["lockgate"]
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        connection.on_gone(lambda: calls.append(1))
        done.set()

    edge = await serve(app)
    wire = await edge.connect(GET)
    await wire.close()
    await done.wait()
    assert calls == [1]


async def test_request_leaves_nothing_to_the_garbage_collector(serve: Any) -> None:
    """A scope that held its cycle, which held the scope: 15 objects a request, and pauses of 20 to 60 ms."""
    left: list[weakref.ref[Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        mark = asyncio.Event()  # anything that can be weakly referred to
        scope["mark"] = mark
        left.append(weakref.ref(mark))
        await respond(send, b"ok")

    edge = await serve(app)
    gc.disable()
    try:
        wire = await edge.connect(GET)
        await wire.answer()
        wire.send(GET)
        await wire.answer()
        assert [mark() for mark in left] == [None, None]
    finally:
        gc.enable()
    await wire.close()


async def test_closed_connection_leaves_nothing_to_the_garbage_collector(serve: Any) -> None:
    """It and its last request held each other: 24 objects for each client that keeps no connection."""
    left: list[weakref.ref[Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        left.append(weakref.ref(scope["extensions"]["lockgate"].edge))
        await respond(send, b"ok")

    edge = await serve(app)
    gc.disable()
    try:
        wire = await edge.connect(CLOSE)
        await wire.rest()
        await wire.close()
        await edge.until(lambda: edge.listener.connections == 0)
        await edge.until(lambda: left[0]() is None)
    finally:
        gc.enable()


async def test_stream_waits_for_a_slow_reader(serve: Any) -> None:
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await send(start())
        for _ in range(400):
            await send(body(b"a" * 65536, True))
            sent += 1
        await send(body())

    edge = await serve(app)
    wire = await edge.connect()
    wire.writer.transport.pause_reading()
    wire.send(GET)
    await edge.until(lambda: any(c.flow.write_paused for c in edge.state.connections))
    assert sent < 400
    wire.writer.transport.resume_reading()
    answer = await wire.answer()
    assert len(answer.body) == 400 * 65536


async def test_client_that_leaves_in_a_queued_body_still_gets_the_answer_before_it(serve: Any) -> None:
    app = Waiting()
    edge = await serve(app)
    wire = await edge.connect()
    wire.send(GET + b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    await app.began.wait()
    (connection,) = edge.state.connections
    connection.flow.resume_reading()  # as after a large first answer: the end is seen while one waits
    wire.writer.write_eof()
    answer = await wire.answer()
    assert (answer.body, answer.headers["connection"]) == (b"late", "close")
    assert await wire.rest() == b""


async def test_bad_body_after_the_answer_began_aborts_it(serve: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"abc", True))
        while (await receive())["type"] != "http.disconnect":
            pass

    edge = await serve(app)
    wire = await edge.connect(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await wire.reader.readuntil(b"abc\r\n")
    wire.send(b"zz\r\n")
    assert await wire.rest() == b""
    assert edge.refused == [("malformed", 400)]


async def test_bad_body_after_a_complete_answer_only_closes(serve: Any) -> None:
    edge = await serve(answering(start(401), body(b"no")))
    wire = await edge.connect(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await wire.answer()).status == 401
    wire.send(b"zz\r\n" + GET)
    assert await wire.rest() == b""


async def test_fault_in_a_callback_is_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A counter that fails must not look like the client's mistake."""

    def on_refused(reason: str, status: int, peer: Any) -> None:
        if reason == "header_with_underscore":
            raise KeyError("no such counter")

    listener = Listener("test", answering(start(), body()), bind("127.0.0.1:0"), on_refused=on_refused)
    await listener.start()
    wire = Wire(*await asyncio.open_connection(*listener.address))
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nA_b: c\r\n\r\n")
    assert (await wire.answer()).status == 500
    assert "no such counter" in caplog.text
    await wire.close()
    await listener.drain(1)


async def test_respond_writes_what_two_messages_write(serve: Callable[..., Any]) -> None:
    fields = [(b"x-a", b"1"), (b"content-length", b"2")]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["extensions"]["lockgate"].respond(201, fields, b"ok")

    edge, other = await serve(app), await serve(answering(start(201, *fields), body(b"ok")))
    answers = []
    for each in (edge, other):
        wire = await each.connect()
        wire.send(CLOSE)
        answers.append(without_date(await wire.rest()))
        await wire.close()
    assert answers[0] == answers[1]
    assert answers[0].endswith(b"\r\n\r\nok")


async def test_respond_leaves_a_client_that_does_not_read_to_send(serve: Callable[..., Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        cycle = scope["extensions"]["lockgate"]
        cycle.edge.flow.pause_writing()
        assert not cycle.respond(500, [], b"no")
        cycle.edge.flow.resume_writing()
        await send(start(200))
        await send(body(b"yes"))

    edge = await serve(app)
    wire = await edge.connect()
    wire.send(GET)
    answer = await wire.answer()
    assert (answer.status, answer.body) == (200, b"yes")
    await wire.close()


async def test_a_second_respond_is_an_error(serve: Callable[..., Any]) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        cycle = scope["extensions"]["lockgate"]
        cycle.respond(200, [], b"ok")
        try:
            cycle.respond(200, [], b"again")
        except RuntimeError as error:
            seen.append(str(error))

    edge = await serve(app)
    wire = await edge.connect()
    wire.send(CLOSE)
    assert (await wire.rest()).endswith(b"ok")
    assert seen == ["a second response"]
    await wire.close()
