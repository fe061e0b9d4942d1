"""What a peer may not do with the framing of an answer: each refused answer has a twin that differs in one thing."""

import pytest

from kit.http_client import BadResponse, HttpClientError
from tests.support.raw_peer import RawPeer, Talk


async def answer_to(raw: bytes) -> bytes:
    async def script(talk: Talk) -> None:
        await talk.request()
        talk.say(raw)
        await talk.gone()

    async with RawPeer(script) as peer:
        return (await peer.client.request("GET", "/", timeout_s=5)).body


OK = b"HTTP/1.1 200 OK\r\n"


def sized(*lines: bytes) -> bytes:
    """An answer of two bytes with other lines in its head."""
    return b"\r\n".join((*lines, b"content-length: 2", b"", b"ok"))


CASES = [
    pytest.param(
        OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        id="length-and-chunked",
    ),
    pytest.param(
        OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok?",
        OK + b"content-length: 2\r\ncontent-lengths: 3\r\n\r\nok",
        id="two-lengths",
    ),
    pytest.param(
        OK + b"content-length: 2, 2\r\n\r\nok", OK + b"content-length: 2\r\n\r\nok", id="list-of-lengths"
    ),
    pytest.param(OK + b"content-length: +2\r\n\r\nok", OK + b"content-length: 02\r\n\r\nok", id="sign"),
    pytest.param(
        OK + b"transfer-encoding: gzip\r\n\r\nok",
        OK + b"transfer-codings: gzip\r\ncontent-length: 2\r\n\r\nok",
        id="other-coding",
    ),
    pytest.param(
        OK + b"transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"transfer-encoding:  Chunked \r\n\r\n2\r\nok\r\n0\r\n\r\n",
        id="coding-before-chunked",
    ),
    pytest.param(
        OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        id="chunked-twice",
    ),
    pytest.param(
        OK + b"transfer-encoding: chunked\r\n\r\n2\r\nokk\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        id="chunk-longer-than-it-says",
    ),
    pytest.param(sized(b"HTTP/1.1 200 OK", b"x: a\rb"), sized(b"HTTP/1.1 200 OK", b"x: ab"), id="bare-cr"),
    pytest.param(
        sized(b"HTTP/1.1 200 OK", b"x : a"), sized(b"HTTP/1.1 200 OK", b"x: a"), id="space-before-colon"
    ),
    pytest.param(sized(b"HTTP/1.1 200 OK", b"x: a\0b"), sized(b"HTTP/1.1 200 OK", b"x: a\tb"), id="nul"),
    pytest.param(sized(b"HTTP/2.0 200 OK"), sized(b"HTTP/1.1 200"), id="version"),
    pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", sized(b"HTTP/1.1 200 "), id="not-http"),
    pytest.param(sized(b"HTTP/1.1 20 OK"), OK + b"content-length: 2\r\n\r\nok", id="status-of-two-digits"),
    pytest.param(
        b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok",
        id="switches-unasked",
    ),
    pytest.param(
        b"HTTP/1.1 102 Processing\r\n\r\n" * 9 + OK + b"content-length: 2\r\n\r\nok",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 8 + OK + b"content-length: 2\r\n\r\nok",
        id="interim-answers-without-end",
    ),
    pytest.param(
        OK + b"content-length: " + b"0" * 30 + b"2\r\n\r\nok",
        OK + b"content-length: 0000000002\r\n\r\nok",
        id="absurd-length",
    ),
]


@pytest.mark.parametrize(("bad", "_good"), CASES)
async def test_ambiguous_answer_is_refused(bad: bytes, _good: bytes) -> None:
    with pytest.raises(HttpClientError) as caught:
        await answer_to(bad)
    assert caught.value.was_sent
    assert isinstance(caught.value, BadResponse) or "length" in str(caught.value)


@pytest.mark.parametrize(("_bad", "good"), CASES)
async def test_its_twin_is_taken(_bad: bytes, good: bytes) -> None:
    assert await answer_to(good) == b"ok"


async def test_message_says_who_and_never_what() -> None:
    """A body may hold anybody's data."""
    with pytest.raises(BadResponse) as caught:
        await answer_to(b"secret words\r\n\r\n")
    assert "secret" not in str(caught.value)
    assert "unix:" in str(caught.value)
