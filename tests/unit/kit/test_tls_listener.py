"""Requests over TLS, on both loops: as over plain TCP, and what a handshake that fails leaves behind."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kit.edge_limits import EdgeLimits
from kit.listener import Listener, bind
from kit.tls import TlsContext
from tests.support.edge_wire import Edge, Recorder, Wire, respond
from tests.support.tls_pair import TlsPair, make_pair

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"


class Site(Edge):
    """A TLS listener and its certificate."""

    pair: TlsPair
    tls: TlsContext

    async def connect(self, data: bytes = b"", pair: TlsPair | None = None, **more: Any) -> Wire:
        client = (pair or self.pair).trusting()
        wire = Wire(
            *await asyncio.open_connection(
                *self.listener.address, ssl=client, server_hostname="localhost", limit=1 << 20, **more
            )
        )
        self._wires.append(wire)
        wire.send(data)
        return wire

    async def connect_plain(self, data: bytes = b"") -> Wire:
        return await Edge.connect(self, data)

    async def all_gone(self) -> None:
        await self.until(lambda: not self.listener.connections and not self.state.peers)


OPENED: list[Site] = []


async def open_site(folder: Path, app: Any = None, limits: EdgeLimits | None = None) -> Site:
    pair = make_pair(folder)
    tls = pair.context()
    refused: list[tuple[str, int]] = []
    listener = Listener(
        "test", app or Recorder(), bind("127.0.0.1:0"), limits, tls=tls,
        on_refused=lambda reason, status, peer: refused.append((reason, status)),
    )  # fmt: skip
    await listener.start()
    site = Site(listener, refused)
    site.pair, site.tls = pair, tls
    OPENED.append(site)
    return site


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Any:
    """Run a coroutine on a loop of that kind; nothing may be logged, and no exception may reach the loop."""

    def runner(scenario: Coroutine[Any, Any, None]) -> None:
        factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
        trouble: list[Any] = []

        async def main() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: trouble.append(context))
            try:
                async with asyncio.timeout(15):
                    await scenario
            finally:  # uvloop does not close while something is open: a failure would end in silence
                while OPENED:
                    await OPENED.pop().stop()

        with caplog.at_level(logging.INFO), asyncio.Runner(loop_factory=factory) as loop:
            loop.run(main())
        assert trouble == []
        assert caplog.records == []

    return runner


def test_request_says_https_and_keeps_its_connection(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append((scope["scheme"], scope["client"][0], scope["server"]))
            await respond(send, b"ok")

        site = await open_site(tmp_path, app)
        assert site.listener.url.startswith("https://127.0.0.1:")
        wire = await site.connect(GET)
        assert (await wire.answer()).body == b"ok"
        wire.send(GET + GET)
        assert [(await wire.answer()).body for _ in range(2)] == [b"ok", b"ok"]
        assert seen == [("https", "127.0.0.1", site.listener.address)] * 3
        assert site.listener.connections == 1
        await site.stop()
        assert site.refused == []
        await site.all_gone()

    run(scenario())


def test_client_whose_hello_is_there_at_once(run: Any, tmp_path: Path) -> None:
    """Its bytes arrive with the connection, before anything of TLS exists on our side; fifty of them."""

    async def scenario() -> None:
        site = await open_site(tmp_path)
        wires = await asyncio.gather(*(site.connect(GET) for _ in range(50)))
        answers = await asyncio.gather(*(wire.answer() for wire in wires))
        assert {answer.status for answer in answers} == {200}
        assert site.listener.connections == 50
        await site.stop()

    run(scenario())


def test_hello_in_pieces(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        site = await open_site(tmp_path)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = site.pair.trusting().wrap_bio(incoming, outgoing, server_hostname="localhost")
        wire = await site.connect_plain()
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        for byte in outgoing.read():
            wire.send(bytes([byte]))
            await wire.writer.drain()
            await asyncio.sleep(0)
        while True:
            incoming.write(await wire.reader.read(65536))
            try:
                client.do_handshake()
            except ssl.SSLWantReadError:
                continue
            break
        client.write(GET)
        wire.send(outgoing.read())  # the end of the handshake and the request in one write
        answer = b""
        while not answer:
            incoming.write(await wire.reader.read(65536))
            try:
                answer = client.read()
            except ssl.SSLWantReadError:
                continue
        assert answer.startswith(b"HTTP/1.1 200")
        await site.stop()

    run(scenario())


def test_large_upload_and_download(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            size, more = 0, True
            while more:
                message = await receive()
                size += len(message["body"])
                more = message["more_body"]
            await respond(send, b"b" * size)

        site = await open_site(tmp_path, app)
        size = 10 * 1024 * 1024
        wire = await site.connect(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        wire.send(b"a" * size)
        assert len((await wire.answer()).body) == size
        wire.send(GET)
        assert (await wire.answer()).body == b""
        await site.stop()

    run(scenario())


def test_refused_upload_gets_its_answer(run: Any, tmp_path: Path) -> None:
    """H6 over TLS: the connection is not reset under the 413, although TLS cannot be closed by half."""

    async def scenario() -> None:
        site = await open_site(tmp_path, limits=EdgeLimits(body_bytes=1000))
        wire = await site.connect(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        wire.send(b"a" * 100_000)
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        await wire.close()
        await site.all_gone()
        await site.stop()
        assert site.refused == [("body_too_large", 413)]

    run(scenario())


def test_refused_client_that_stays_is_closed(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        site = await open_site(tmp_path, limits=EdgeLimits(linger_s=0.05, sweep_s=0.01))
        wire = await site.connect(b"BAD\r\n\r\n")
        assert (await wire.answer()).status == 400
        await wire.rest()
        await site.all_gone()
        await site.stop()

    run(scenario())


def test_connection_close_ends_the_connection(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        site = await open_site(tmp_path)
        wire = await site.connect(GET.replace(b"Host: a", b"Host: a\r\nConnection: close"))
        assert (await wire.answer()).headers["connection"] == "close"
        assert await wire.rest() == b""
        await site.all_gone()
        await site.stop()

    run(scenario())


class Waiting:
    """An application that answers when told, and knows whether its client has left."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.gone = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"]["lockgate"].on_gone(self.gone.set)
        self.began.set()
        await self.gone.wait()
        await respond(send, b"late")


def test_client_that_closes_is_noticed(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Waiting()
        site = await open_site(tmp_path, app)
        wire = await site.connect(GET)
        await app.began.wait()
        wire.writer.close()
        await app.gone.wait()
        await site.all_gone()
        await site.stop()

    run(scenario())


def test_client_that_vanishes_is_noticed(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        app = Waiting()
        site = await open_site(tmp_path, app)
        wire = await site.connect(GET)
        await app.began.wait()
        wire.writer.transport.abort()
        await app.gone.wait()
        await site.all_gone()
        await site.stop()

    run(scenario())


def test_half_closed_client_counts_as_gone(run: Any, tmp_path: Path) -> None:
    """Only the sending half of TCP ends: over TLS that is the end (RFC 8446 section 6.1), and nothing is left."""

    async def scenario() -> None:
        app = Waiting()
        site = await open_site(tmp_path, app, EdgeLimits(linger_s=0.05))
        wire = await site.connect(GET)
        await app.began.wait()
        sock = wire.writer.get_extra_info("socket")
        _shut(sock)
        await app.gone.wait()
        await site.all_gone()
        await site.stop()

    run(scenario())


def _shut(sock: Any) -> None:
    with socket.socket(fileno=socket.dup(sock.fileno())) as copy:
        copy.shutdown(socket.SHUT_WR)


def test_slow_reader_is_aborted(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await respond(send, b"a" * 30_000_000)

        site = await open_site(tmp_path, app, EdgeLimits(stall_s=0.1, body_rate=1e9, sweep_s=0.01))
        wire = await site.connect()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        wire.send(GET)
        await site.until(lambda: site.refused)
        assert site.refused == [("write_stalled", 0)]
        await site.all_gone()
        await site.stop()

    run(scenario())


def test_plain_http_is_told_so(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        site = await open_site(tmp_path)
        wire = await site.connect_plain(GET)
        answer = await wire.answer()
        assert (answer.status, answer.body) == (400, b'{"message":"This port speaks TLS: use https."}')
        assert await wire.rest() == b""
        await site.all_gone()
        assert site.refused == [("not_tls", 400)]
        await site.stop()

    run(scenario())


@pytest.mark.parametrize(
    "hello",
    [
        pytest.param(b"\x16\x03\x01\x00\x05hello", id="junk-in-a-record"),
        pytest.param(b"\x16" + b"\xff" * 100, id="no-record"),
    ],
)
def test_failed_handshake_is_counted_and_not_logged(run: Any, tmp_path: Path, hello: bytes) -> None:
    async def scenario() -> None:
        site = await open_site(tmp_path)
        wire = await site.connect_plain(hello)
        await wire.rest()
        await site.until(lambda: site.refused)
        assert site.refused == [("tls_handshake", 0)]
        await site.all_gone()
        await site.stop()

    run(scenario())


def test_client_that_does_not_trust_us(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        site = await open_site(tmp_path)
        with pytest.raises(ssl.SSLCertVerificationError):
            await site.connect(GET, make_pair(tmp_path / "other"))
        await site.until(lambda: site.refused)
        assert site.refused == [("tls_handshake", 0)]
        await site.all_gone()
        await site.stop()

    run(scenario())


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_1, False, id="1.1"),
        pytest.param(ssl.TLSVersion.TLSv1_2, True, id="1.2"),
        pytest.param(ssl.TLSVersion.TLSv1_3, True, id="1.3"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_versions(run: Any, tmp_path: Path, version: ssl.TLSVersion, accepted: bool) -> None:
    """H19: TLS 1.2 and above."""

    async def scenario() -> None:
        site = await open_site(tmp_path)
        client = site.pair.trusting()
        client.set_ciphers("DEFAULT@SECLEVEL=0")
        client.minimum_version = client.maximum_version = version
        client.set_alpn_protocols(["h2", "http/1.1"])
        opening = asyncio.open_connection(*site.listener.address, ssl=client, server_hostname="localhost")
        if accepted:
            _, writer = await opening
            tls = writer.get_extra_info("ssl_object")
            assert tls.selected_alpn_protocol() == "http/1.1"
            assert tls.compression() is None
            writer.close()
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await opening
        await site.all_gone()
        await site.stop()

    run(scenario())


def test_silent_client_costs_no_handshake(run: Any, tmp_path: Path) -> None:
    """H4: the first byte has its deadline, over TLS too."""

    async def scenario() -> None:
        site = await open_site(tmp_path, limits=EdgeLimits(first_byte_s=0.02, sweep_s=0.005))
        wire = await site.connect_plain()
        assert await wire.rest() == b""
        assert site.refused == [("first_byte_timeout", 0)]
        await site.all_gone()
        await site.stop()

    run(scenario())


def test_slow_handshake_is_cut_off(run: Any, tmp_path: Path) -> None:
    """H4: half a hello and then nothing."""

    async def scenario() -> None:
        site = await open_site(tmp_path, limits=EdgeLimits(handshake_s=0.05))
        wire = await site.connect_plain(b"\x16\x03\x01\x02\x00\x01")
        assert await wire.rest() == b""
        await site.until(lambda: site.refused)
        assert site.refused == [("tls_handshake_timeout", 0)]
        await site.all_gone()
        await site.stop()

    run(scenario())


def test_connections_in_handshake_count(run: Any, tmp_path: Path) -> None:
    """H5: total cap. The one over it gets its 503 behind the handshake; over a quarter more, nothing."""

    async def scenario() -> None:
        site = await open_site(tmp_path, limits=EdgeLimits(connections=4))
        silent = [await site.connect_plain() for _ in range(4)]
        await site.until(lambda: site.listener.connections == 4)
        turned_away = await site.connect()
        assert (await turned_away.answer()).status == 503
        with pytest.raises((ssl.SSLError, OSError)):
            await site.connect()
        assert site.refused == [("too_many_connections", 503), ("too_many_connections", 0)]
        for wire in silent:
            await wire.close()
        await turned_away.close()
        await site.all_gone()
        fine = await site.connect(GET)
        assert (await fine.answer()).status == 200
        await site.stop()

    run(scenario())


def test_drain_lets_a_request_end(run: Any, tmp_path: Path) -> None:
    """R2"""

    async def scenario() -> None:
        go_on = asyncio.Event()
        began = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            began.set()
            await go_on.wait()
            await respond(send, b"done")

        site = await open_site(tmp_path, app, EdgeLimits(sweep_s=0.01))
        wire = await site.connect(GET)
        await began.wait()
        silent = await site.connect_plain()
        draining = asyncio.create_task(site.listener.drain(10))
        await site.until(lambda: site.state.draining)
        go_on.set()
        answer = await wire.answer()
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        await wire.close()
        assert await silent.rest() == b""
        await silent.close()
        await draining
        assert site.listener.connections == 0

    run(scenario())


def test_drain_cuts_a_handshake_off(run: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        site = await open_site(tmp_path, limits=EdgeLimits(linger_s=0.05))
        wire = await site.connect_plain(b"\x16\x03\x01\x02\x00\x01")
        await site.until(lambda: site.state.tasks)
        await site.listener.drain(0.01)
        assert await wire.rest() == b""
        assert site.listener.connections == 0
        await wire.close()

    run(scenario())


def test_64_clients_during_changes_of_the_certificate(run: Any, tmp_path: Path) -> None:
    """H19, P3: none is dropped; connections made before a change live on, new ones see the new certificate."""

    async def scenario() -> None:
        site = await open_site(tmp_path, limits=EdgeLimits(linger_s=0.1))
        old, new = make_pair(tmp_path / "old"), make_pair(tmp_path / "new")
        site.pair.replace_by(old)
        site.tls.reload()
        lasting = await site.connect(GET, old)
        await lasting.answer()
        stop = asyncio.Event()
        served = 0
        both = old.trusting()
        both.load_verify_locations(new.cert)

        async def client() -> None:
            nonlocal served
            while not stop.is_set():
                reader, writer = await asyncio.open_connection(
                    *site.listener.address, ssl=both, server_hostname="localhost"
                )
                wire = Wire(reader, writer)
                for _ in range(3):
                    wire.send(GET)
                    assert (await wire.answer()).status == 200
                    served += 1
                await wire.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(64):
                group.create_task(client())
            for pair in (new, old, new):
                seen = served
                await site.until(lambda seen=seen: served > seen + 100)
                site.pair.replace_by(pair)
                site.tls.reload()
            stop.set()
        assert served > 300
        assert (await (await site.connect(GET, new)).answer()).status == 200
        lasting.send(GET)
        assert (await lasting.answer()).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await site.connect(GET, old)
        await site.stop()
        assert site.refused == [("tls_handshake", 0)]

    run(scenario())
