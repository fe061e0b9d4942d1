"""Whole requests and answers over real sockets: what arrives, what ends, what is never done."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import uvloop

from kit.http_client import (
    ClientClosed,
    ConnectFailed,
    ConnectionLost,
    HttpClient,
    HttpClientError,
    NoConnection,
    ResponseTimeout,
    TcpPeer,
    TooLarge,
    UnixPeer,
)
from tests.support.raw_peer import RawPeer, Talk, ok


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
async def test_request_and_answer_arrive_as_they_are(tcp: bool) -> None:
    heard: list[tuple[bytes, bytes]] = []

    async def script(talk: Talk) -> None:
        heard.append(await talk.request())
        talk.say(
            b"HTTP/1.1 201 Made\r\nX-One: 1\r\nset-cookie: a\r\nSet-Cookie: b\r\nContent-Length: 3\r\n\r\nabc"
        )

    async with RawPeer(script, tcp=tcp) as peer:
        answer = await peer.client.request("PUT", "/a%20b?c=d", [("X-Name", "välue")], b"body", timeout_s=5)
        host = f"127.0.0.1:{peer.port}" if tcp else "localhost"
    head = f"PUT /a%20b?c=d HTTP/1.1\r\nhost: {host}\r\nX-Name: välue\r\ncontent-length: 4\r\n\r\n"
    assert heard == [(head.encode("latin-1"), b"body")]
    assert (answer.status, answer.body) == (201, b"abc")
    assert answer.headers == {"x-one": "1", "set-cookie": "a, b", "content-length": "3"}
    assert (b"set-cookie", b"b") in answer.fields


async def test_connection_is_used_again() -> None:
    async with RawPeer() as peer:
        for number in range(1, 4):
            answer = await peer.client.request("POST", "/", body=b"x", timeout_s=5)
            assert answer.body == b"1.%d x" % number
        assert len(peer.talks) == 1


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", id="says-close"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", id="http-1.0"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", id="second-answer"
        ),
    ],
)
async def test_connection_that_cannot_be_trusted_is_not_used_again(raw: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(raw)
        await talk.gone()

    async with RawPeer(script) as peer:
        for _ in range(2):
            assert (await peer.client.request("GET", "/", timeout_s=5)).body == b"ok"
        assert len(peer.talks) == 2


async def test_body_that_the_connections_end_ends() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say_all(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async with RawPeer(script) as peer:
        assert (await peer.client.request("GET", "/", timeout_s=5)).body == b"all of it"


async def test_chunked_answer_is_put_together_and_its_trailers_dropped() -> None:
    async def script(talk: Talk) -> None:
        while True:
            await talk.request()
            talk.say(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx-t: 1\r\n\r\n"
            )

    async with RawPeer(script) as peer:
        for _ in range(2):
            answer = await peer.client.request("GET", "/", timeout_s=5)
            assert (answer.body, "x-t" in answer.headers) == (b"abcde", False)
        assert len(peer.talks) == 1


async def test_answers_without_a_body() -> None:
    answers = {
        b"HEAD": b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n",
        b"GET": b"HTTP/1.1 204 No Content\r\n\r\n",
        b"PUT": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 500\r\n\r\n",
    }

    async def script(talk: Talk) -> None:
        while True:
            head, _ = await talk.request()
            talk.say(answers[head.split()[0]])

    async with RawPeer(script) as peer:
        for method, status in (("GET", 204), ("PUT", 304), ("HEAD", 200), ("GET", 204)):
            answer = await peer.client.request(method, "/", timeout_s=5)
            assert (answer.status, answer.body) == (status, b"")
        assert len(peer.talks) == 2  # a HEAD's answer ends its connection


async def test_interim_answers_are_passed_over() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + ok(b"real"))

    async with RawPeer(script) as peer:
        answer = await peer.client.request("GET", "/", timeout_s=5)
        assert (answer.status, answer.body, "link" in answer.headers) == (200, b"real", False)


async def test_redirect_is_an_answer_like_any_other() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        await talk.gone()

    async with RawPeer(script) as peer:
        assert (await peer.client.request("GET", "/", timeout_s=5)).status == 302
        assert len(peer.talks) == 1


async def test_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: `HTTP_PROXY` may come from a client's `Proxy` field."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with RawPeer(tcp=True) as peer:
        assert (await peer.client.request("GET", "/", timeout_s=5)).status == 200


# --- bounds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "framing", ["content-length: 11\r\n\r\n", "\r\n", "transfer-encoding: chunked\r\n\r\nb\r\n"]
)
async def test_body_over_the_callers_limit_is_refused(framing: str) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(f"HTTP/1.1 200 OK\r\n{framing}{'x' * 11}\r\n0\r\n\r\n".encode())
        await talk.gone()

    async with RawPeer(script) as peer:
        with pytest.raises(TooLarge):
            await peer.client.request("GET", "/", timeout_s=5, limit_bytes=10)


async def test_body_of_the_callers_limit_passes() -> None:
    async with RawPeer() as peer:
        answer = await peer.client.request("POST", "/", body=b"x" * 6, timeout_s=5, limit_bytes=10)
        assert len(answer.body) == 10


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"x: " + b"y" * 2000, id="one-field-that-never-ends"),
        pytest.param(b"x: " + b"y" * 2000 + b"\r\ncontent-length: 0\r\n\r\n", id="one-field"),
        pytest.param(b"x: y\r\n" * 21 + b"content-length: 0\r\n\r\n", id="many-fields"),
        pytest.param(b"transfer-encoding: chunked\r\n\r\n1;" + b"e" * 1_000_000, id="chunk-extension"),
    ],
)
async def test_head_over_its_limit_is_refused(raw: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(b"HTTP/1.1 200 OK\r\n")
        await talk.say_all(raw)
        await talk.gone()

    async with RawPeer(script, head_bytes=1000, head_fields=20) as peer:
        with pytest.raises(TooLarge):
            await peer.client.request("GET", "/", timeout_s=5)


async def test_head_within_its_limit_passes() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(ok(b"{}", "x: " + "y" * 900, *["x: y"] * 10))

    async with RawPeer(script, head_bytes=1000, head_fields=20) as peer:
        assert (await peer.client.request("GET", "/", timeout_s=5)).status == 200


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"]
)
async def test_answer_that_does_not_end_in_time_is_given_up(said: bytes) -> None:
    closed = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(said)
        await talk.gone()
        closed.set()

    async with RawPeer(script) as peer:
        with pytest.raises(ResponseTimeout) as caught:
            await peer.client.request("GET", "/", timeout_s=0.05)
        assert caught.value.was_sent
        await closed.wait()


async def test_timeout_of_one_request_leaves_others_alone() -> None:
    gate = asyncio.Event()

    async def script(talk: Talk) -> None:
        head, _ = await talk.request()
        if b"/slow" in head:
            await talk.gone()
        await gate.wait()
        talk.say(ok(b"fine"))

    async with RawPeer(script) as peer:
        patient = asyncio.create_task(peer.client.request("GET", "/", timeout_s=15), name="patient")
        with pytest.raises(ResponseTimeout):
            await peer.client.request("GET", "/slow", timeout_s=0.05)
        gate.set()
        assert (await patient).body == b"fine"


# --- ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"HTTP/1.1 20"])
async def test_connection_that_ends_before_the_answer_is_an_error_and_never_retried(said: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say_all(said)

    async with RawPeer(script) as peer:
        with pytest.raises(ConnectionLost) as caught:
            await peer.client.request("GET", "/", timeout_s=5)
        assert caught.value.was_sent
        assert len(peer.talks) == 1


async def test_rested_connection_that_is_found_closed_is_passed_over() -> None:
    async def script(talk: Talk) -> None:
        _, body = await talk.request()
        talk.say(ok(body))
        if talk.number > 1:
            await talk.gone()

    async with RawPeer(script) as peer:
        await peer.client.request("POST", "/", body=b"1", timeout_s=5)
        await peer.until(lambda: peer.talks[0].writer.is_closing())
        await asyncio.sleep(0)
        answer = await peer.client.request("POST", "/", body=b"2", timeout_s=5)
        assert (answer.body, len(peer.talks)) == (b"2", 2)


async def test_word_that_nobody_asked_for_ends_a_rested_connection() -> None:
    """Else it would be taken for the next request's answer."""
    gate = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(ok(b"first"))
        if talk.number == 1:
            await gate.wait()
            talk.say(ok(b"poison"))
        await talk.gone()

    async with RawPeer(script) as peer:
        await peer.client.request("GET", "/", timeout_s=5)
        gate.set()
        await peer.until(lambda: peer.talks[0].writer.is_closing())
        assert (await peer.client.request("GET", "/", timeout_s=5)).body == b"first"
        assert len(peer.talks) == 2


async def test_cancelled_request_closes_its_connection_and_frees_its_place() -> None:
    closed = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        if talk.number == 1:
            await talk.gone()
            closed.set()
        talk.say(ok())

    async with RawPeer(script, connections=1) as peer:
        request = asyncio.create_task(peer.client.request("GET", "/", timeout_s=15), name="request")
        await peer.until(lambda: peer.talks)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await closed.wait()
        assert (await peer.client.request("GET", "/", timeout_s=5)).status == 200


async def test_closed_client_fails_what_is_under_way_and_takes_nothing_more() -> None:
    async def script(talk: Talk) -> None:
        await talk.gone()

    async with RawPeer(script) as peer:
        request = asyncio.create_task(peer.client.request("GET", "/", timeout_s=15), name="request")
        await peer.until(lambda: peer.talks)
        await peer.client.close()
        with pytest.raises(ClientClosed):
            await request
        with pytest.raises(ClientClosed):
            await peer.client.request("GET", "/", timeout_s=5)
        with pytest.raises(ClientClosed):
            await peer.client.attach("POST", "/", timeout_s=5)


async def test_rested_connections_are_closed_after_their_time() -> None:
    async with RawPeer(idle_s=0.05) as peer:
        await peer.client.request("GET", "/", timeout_s=5)
        await peer.until(lambda: peer.talks[0].writer.is_closing())
        assert (await peer.client.request("GET", "/", timeout_s=5)).body == b"2.1 "


# --- connecting --------------------------------------------------------------------------------------


async def test_nobody_at_the_socket_is_connect_failed(tmp_path: Path) -> None:
    client = HttpClient(UnixPeer(path=tmp_path / "none"))
    with pytest.raises(ConnectFailed, match="none: No such file") as caught:
        await client.request("GET", "/", timeout_s=5)
    assert not caught.value.was_sent
    await client.close()


async def test_full_backlog_is_connect_failed_and_not_a_connection_that_never_was(tmp_path: Path) -> None:
    """asyncio's own connect takes the kernel's EAGAIN for success; the request would be lost with ENOTCONN."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(tmp_path / "s"))
        listener.listen(0)
        first.connect(str(tmp_path / "s"))
        client = HttpClient(UnixPeer(path=tmp_path / "s"))
        with pytest.raises(ConnectFailed):
            await client.request("GET", "/", timeout_s=5)
        await client.close()


async def test_forbidden_address_is_never_connected_to() -> None:
    """S2: the address that is connected to is the one that was judged. The twin's is allowed."""
    judged: list[str] = []

    def judge(address: str) -> None:
        judged.append(address)
        if len(judged) == 1:
            raise ConnectFailed(f"{address} is forbidden")

    async with RawPeer(tcp=True) as peer:
        client = HttpClient(TcpPeer(name="127.0.0.1", port=peer.port, judge=judge))
        with pytest.raises(ConnectFailed, match="forbidden"):
            await client.request("GET", "/", timeout_s=5)
        assert peer.talks == []
        assert (await client.request("GET", "/", timeout_s=5)).status == 200
        assert judged == ["127.0.0.1", "127.0.0.1"]
        await client.close()


async def test_plain_peer_is_no_tls_server() -> None:
    async with RawPeer(tcp=True) as peer:
        client = HttpClient(TcpPeer(name="127.0.0.1", port=peer.port, tls=ssl.create_default_context()))
        with pytest.raises(ConnectFailed):
            await client.request("GET", "/", timeout_s=0.2)
        await client.close()


# --- the peer that greets ----------------------------------------------------------------------------


@pytest.mark.parametrize(("greeting", "was_sent"), [(b"", False), (b"HI\n", True)], ids=["silent", "greets"])
async def test_peer_that_never_greeted_has_taken_nothing(greeting: bytes, was_sent: bool) -> None:
    async def script(talk: Talk) -> None:
        talk.say(greeting)
        await talk.request()

    async with RawPeer(script, greeting=b"HI\n") as peer:
        with pytest.raises(ConnectionLost) as caught:
            await peer.client.request("GET", "/", timeout_s=5)
        assert caught.value.was_sent is was_sent


async def test_greeting_may_come_in_parts_and_with_the_answer() -> None:
    async def script(talk: Talk) -> None:
        for part in (b"H", b"I"):
            await talk.say_all(part)
            await asyncio.sleep(0)
        await talk.request()
        talk.say(b"\n" + ok(b"answer"))

    async with RawPeer(script, greeting=b"HI\n") as peer:
        assert (await peer.client.request("GET", "/", timeout_s=5)).body == b"answer"


async def test_other_greeting_is_another_peer() -> None:
    async def script(talk: Talk) -> None:
        talk.say(ok())
        await talk.gone()

    async with RawPeer(script, greeting=b"HI\n") as peer:
        with pytest.raises(HttpClientError, match="greets"):
            await peer.client.request("GET", "/", timeout_s=5)


# --- bodies in parts ---------------------------------------------------------------------------------


async def test_body_in_parts_is_sent_in_chunks() -> None:
    async def script(talk: Talk) -> None:
        head = await talk.head()
        body = await talk.reader.readuntil(b"0\r\n\r\n")
        talk.say(ok(body if b"transfer-encoding: chunked" in head else b"?"))
        await talk.gone()

    async def parts():  # type: ignore[no-untyped-def]
        for part in (b"one", b"", b"three"):
            yield part

    async with RawPeer(script) as peer:
        answer = await peer.client.request("POST", "/", body=parts(), timeout_s=5)
        assert answer.body == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"


async def test_body_in_parts_waits_for_a_peer_that_does_not_read() -> None:
    made = 0
    gate, stuck = asyncio.Event(), asyncio.Event()

    async def parts():  # type: ignore[no-untyped-def]
        nonlocal made
        while made < 400:
            made += 1
            asyncio.get_running_loop().call_later(0.2, stuck.set)
            yield b"x" * 65536
        stuck.set()

    async def script(talk: Talk) -> None:
        await talk.head()
        await gate.wait()
        body = b""
        while not body.endswith(b"\r\n0\r\n\r\n"):
            body = body[-16:] + await talk.reader.read(1 << 20)
        talk.say(ok())
        await talk.gone()

    async with RawPeer(script) as peer:
        request = asyncio.create_task(peer.client.request("POST", "/", body=parts(), timeout_s=15), name="r")
        await stuck.wait()
        assert made < 100  # 6 MB of 26: what the kernel and two buffers take
        gate.set()
        assert (await request).status == 200


async def test_maker_of_a_body_that_fails_ends_the_request_with_its_error() -> None:
    cut: list[bytes] = []

    async def script(talk: Talk) -> None:
        await talk.head()
        try:
            cut.append(await talk.reader.read(-1))
        except ConnectionError:
            cut.append(b"")

    async def parts():  # type: ignore[no-untyped-def]
        yield b"half"
        raise RuntimeError("no more")

    async with RawPeer(script) as peer:
        with pytest.raises(RuntimeError, match="no more"):
            await peer.client.request("POST", "/", body=parts(), timeout_s=5)
        await peer.until(lambda: cut)
        assert b"0\r\n\r\n" not in cut[0]


async def test_early_answer_ends_the_sending_and_the_connection() -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        talk.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await talk.gone()

    async def parts():  # type: ignore[no-untyped-def]
        while True:
            await asyncio.sleep(0)
            yield b"x" * 1000

    async with RawPeer(script) as peer:
        for _ in range(2):
            assert (await peer.client.request("POST", "/", body=parts(), timeout_s=5)).status == 413
        assert len(peer.talks) == 2


# --- crowds ------------------------------------------------------------------------------------------


async def test_requests_beyond_the_connections_wait_their_turn() -> None:
    order: list[bytes] = []
    gate = asyncio.Event()

    async def script(talk: Talk) -> None:
        while True:
            _, body = await talk.request()
            order.append(body)
            await gate.wait()
            talk.say(ok(body))

    async with RawPeer(script, connections=1) as peer:
        bodies = [b"%d" % number for number in range(20)]
        requests = [
            asyncio.create_task(peer.client.request("POST", "/", body=body, timeout_s=15), name="request")
            for body in bodies
        ]
        await peer.until(lambda: peer.talks)
        gate.set()
        assert [(await request).body for request in requests] == bodies
        assert order == bodies
        assert len(peer.talks) == 1


async def test_waiting_is_bounded_in_number_and_in_time() -> None:
    async def script(talk: Talk) -> None:
        await talk.gone()

    async with RawPeer(script, connections=1, waiting=1) as peer:
        busy = asyncio.create_task(peer.client.request("GET", "/", timeout_s=15), name="busy")
        await peer.until(lambda: peer.talks)
        waiting = asyncio.create_task(peer.client.request("GET", "/", timeout_s=0.1), name="waiting")
        await asyncio.sleep(0)
        with pytest.raises(NoConnection, match="wait"):
            await peer.client.request("GET", "/", timeout_s=5)
        with pytest.raises(NoConnection, match="in time") as caught:
            await waiting
        assert not caught.value.was_sent
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)


def test_it_runs_on_uvloop_too() -> None:
    async def main() -> list[bytes]:
        async with RawPeer(connections=3) as peer:
            work = [peer.client.request("POST", "/", body=b"x" * 300_000, timeout_s=10) for _ in range(12)]
            answers = await asyncio.gather(*work)
            assert len(peer.talks) == 3
            return [answer.body for answer in answers]

    assert {len(body) for body in uvloop.run(main())} == {300_004}
