"""Answers that are taken as they come, and connections that become raw streams."""

import asyncio

import pytest

from kit.http_client import (
    ConnectionLost,
    Duplex,
    NoConnection,
    Response,
    ResponseTimeout,
    TooLarge,
)
from kit.http_client_body import HIGH_WATER_BYTES
from tests.support.raw_peer import RawPeer, Talk, ok

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SWITCHED = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/x-raw\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_stream_hands_out_what_comes_while_it_comes() -> None:
    gate = asyncio.Event()

    async def script(talk: Talk) -> None:
        while True:
            await talk.request()
            talk.say(CHUNKED + chunk(b"one"))
            await gate.wait()
            talk.say(chunk(b"two") + b"0\r\n\r\n")

    async with RawPeer(script) as peer:
        for _ in range(2):
            gate.clear()
            async with peer.client.stream("GET", "/", timeout_s=5) as stream:
                assert (stream.status, stream.headers) == (200, {"transfer-encoding": "chunked"})
                assert await stream.read() == b"one"
                gate.set()
                assert await stream.read() == b"two"
                assert [await stream.read(), await stream.read()] == [b"", b""]
        assert len(peer.talks) == 1


async def test_consumer_that_is_slow_holds_the_peer() -> None:
    """Backpressure: what waits is bounded, whatever the answer's size, and nothing of it is lost."""
    size, said = 64 * 1024, 0
    stuck = asyncio.Event()

    async def script(talk: Talk) -> None:
        nonlocal said
        await talk.request()
        talk.say(CHUNKED)
        for number in range(200):
            asyncio.get_running_loop().call_later(0.2, stuck.set)
            await talk.say_all(chunk(bytes([number]) * size))
            said += 1
        talk.say(b"0\r\n\r\n")
        await talk.gone()

    async with RawPeer(script) as peer, peer.client.stream("GET", "/", timeout_s=5, idle_s=0.1) as stream:
        await stuck.wait()
        assert said * size < HIGH_WATER_BYTES + 3_000_000  # one read, and what the kernel keeps
        body = await stream.collect(200 * size)
        assert body == b"".join(bytes([number]) * size for number in range(200))


async def test_connection_is_free_for_others_once_the_answer_is_whole() -> None:
    """Also if its reader was behind, and the connection did not read for a while."""
    body = b"x" * (4 * HIGH_WATER_BYTES)

    async def script(talk: Talk) -> None:
        while True:
            await talk.request()
            talk.say(ok(body))

    async with RawPeer(script, connections=1) as peer:
        for _ in range(2):
            async with peer.client.stream("GET", "/", timeout_s=5) as stream:
                assert await stream.collect(len(body)) == body
        assert (await peer.client.request("GET", "/", timeout_s=5)).body == body
        assert len(peer.talks) == 1


async def test_stream_that_stands_still_ends_with_an_error_after_what_came() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(CHUNKED + chunk(b"some"))
        await talk.gone()

    async with RawPeer(script) as peer, peer.client.stream("GET", "/", timeout_s=5, idle_s=0.05) as stream:
        assert await stream.read() == b"some"
        for _ in range(2):
            with pytest.raises(ResponseTimeout):
                await stream.read()


async def test_stream_that_goes_on_is_not_idle() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(CHUNKED)
        for _ in range(6):
            await asyncio.sleep(0.05)
            talk.say(chunk(b"x"))
        talk.say(b"0\r\n\r\n")
        await talk.gone()

    async with RawPeer(script) as peer, peer.client.stream("GET", "/", timeout_s=5, idle_s=0.25) as stream:
        assert await stream.collect(10) == b"x" * 6


async def test_stream_has_a_time_in_all() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(CHUNKED)
        while not talk.writer.is_closing():
            await talk.say_all(chunk(b"x"))
            await asyncio.sleep(0.01)

    async with RawPeer(script) as peer, peer.client.stream("GET", "/", timeout_s=5, total_s=0.1) as stream:
        with pytest.raises(ResponseTimeout):
            await stream.collect(10**9)


async def test_head_that_does_not_come_is_a_timeout() -> None:
    async def script(talk: Talk) -> None:
        await talk.gone()

    async with RawPeer(script) as peer:
        with pytest.raises(ResponseTimeout):
            async with peer.client.stream("GET", "/", timeout_s=0.05):
                pytest.fail("there is no answer")


async def test_quiet_stream_outlives_the_time_of_its_head() -> None:
    gate = asyncio.Event()

    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(CHUNKED)
        await gate.wait()
        talk.say(chunk(b"late") + b"0\r\n\r\n")
        await talk.gone()

    async with RawPeer(script) as peer, peer.client.stream("GET", "/", timeout_s=0.2) as stream:
        asyncio.get_running_loop().call_later(0.3, gate.set)
        assert await stream.read() == b"late"


async def test_leaving_early_closes_the_connection() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(CHUNKED + chunk(b"x"))
        await talk.gone()

    async with RawPeer(script) as peer:
        async with peer.client.stream("GET", "/", timeout_s=5):
            pass
        await peer.until(lambda: peer.talks[0].writer.is_closing())


async def test_stream_that_breaks_off_says_so() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say_all(CHUNKED + chunk(b"some"))

    async with RawPeer(script) as peer, peer.client.stream("GET", "/", timeout_s=5) as stream:
        assert await stream.read() == b"some"
        with pytest.raises(ConnectionLost):
            await stream.read()


async def test_collecting_has_a_bound() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(ok(b"x" * 11))
        await talk.gone()

    async with RawPeer(script) as peer, peer.client.stream("GET", "/", timeout_s=5) as stream:
        with pytest.raises(TooLarge):
            await stream.collect(10)


# --- raw streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head", [SWITCHED, b"HTTP/1.1 200 OK\r\nContent-Type: application/x-raw\r\n\r\n"], ids=["101", "200"]
)
async def test_attached_stream_goes_both_ways(head: bytes) -> None:
    """What the Docker Engine answers to ``attach``: the first with an Upgrade, older ones the second."""

    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(head + b"first ")
        line = await talk.reader.readline()
        talk.say(b"echo " + line)
        assert await talk.reader.read() == b""
        talk.say(b"end")

    async with RawPeer(script) as peer:
        stream = await peer.client.attach("POST", "/attach", timeout_s=5)
        assert isinstance(stream, Duplex)
        assert stream.headers["content-type"] == "application/x-raw"
        heard = await stream.read()
        await stream.write(b"GET / HTTP/1.1\n")
        while not heard.endswith(b"\n"):
            heard += await stream.read()
        stream.write_eof()
        rest = await stream.collect(1000)
        assert heard + rest == b"first echo GET / HTTP/1.1\nend"
        stream.close()


async def test_attached_stream_takes_no_place_and_has_no_time() -> None:
    async def script(talk: Talk) -> None:
        head, _ = await talk.request()
        if b"/attach" in head:
            talk.say(SWITCHED)
            await talk.gone()
        talk.say(ok())

    async with RawPeer(script, connections=1, attached=2) as peer:
        streams = [await peer.client.attach("POST", "/attach", timeout_s=0.5) for _ in range(2)]
        assert (await peer.client.request("GET", "/", timeout_s=5)).status == 200
        with pytest.raises(NoConnection):
            await peer.client.attach("POST", "/attach", timeout_s=0.5)
        reading = asyncio.create_task(streams[0].read(), name="reader")  # type: ignore[union-attr]
        done, _ = await asyncio.wait((reading,), timeout=0.7)
        assert not done
        await peer.client.close()
        with pytest.raises(Exception, match="closed"):
            await reading


async def test_refused_attach_gives_the_answer() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(b'HTTP/1.1 404 Not Found\r\ncontent-length: 16\r\n\r\n{"message":"no"}')
        await talk.gone()

    async with RawPeer(script) as peer:
        answer = await peer.client.attach("POST", "/attach", timeout_s=5)
        assert isinstance(answer, Response)
        assert (answer.status, answer.body) == (404, b'{"message":"no"}')
        await peer.until(lambda: peer.talks[0].writer.is_closing())


async def test_attached_consumer_that_is_slow_holds_the_peer() -> None:
    said, stuck = 0, asyncio.Event()

    async def script(talk: Talk) -> None:
        nonlocal said
        await talk.request()
        talk.say(SWITCHED)
        for _ in range(200):
            asyncio.get_running_loop().call_later(0.2, stuck.set)
            await talk.say_all(b"x" * 65536)
            said += 1

    async with RawPeer(script) as peer:
        stream = await peer.client.attach("POST", "/attach", timeout_s=5)
        assert isinstance(stream, Duplex)
        await stuck.wait()
        assert said < 60
        assert len(await stream.collect(200 * 65536)) == 200 * 65536
        stream.close()


async def test_write_to_a_stream_that_is_closed_is_an_error() -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say_all(SWITCHED)

    async with RawPeer(script) as peer:
        stream = await peer.client.attach("POST", "/attach", timeout_s=5)
        assert isinstance(stream, Duplex)
        assert await stream.read() == b""
        await peer.until(lambda: peer.talks[0].writer.is_closing())
        stream.close()
        with pytest.raises(ConnectionLost):
            await stream.write(b"x")
