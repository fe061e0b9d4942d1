"""Who reads in their own time, and the connection that is held for them."""

import asyncio

import pytest

from kit.http_client_body import HIGH_WATER_BYTES, LOW_WATER_BYTES, BodyReader
from kit.http_client_errors import BadResponse


class Source:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def hold(self) -> None:
        self.calls.append("hold")

    def go_on(self) -> None:
        self.calls.append("go on")


async def test_source_is_held_above_the_high_mark_and_goes_on_below_the_low_one() -> None:
    source = Source()
    reader = BodyReader(source)
    reader.feed(b"x" * HIGH_WATER_BYTES)
    assert source.calls == []
    reader.feed(b"y" * LOW_WATER_BYTES)
    reader.feed(b"z")
    assert source.calls == ["hold"]
    assert reader.is_held
    await reader.read()
    assert source.calls == ["hold"]
    await reader.read()
    assert source.calls == ["hold", "go on"]
    assert not reader.is_held


async def test_source_of_a_whole_answer_is_never_held() -> None:
    """The connection may carry the next answer while this one is still read."""
    source = Source()
    reader = BodyReader(source)
    reader.feed(b"x" * (HIGH_WATER_BYTES + 1))
    reader.finish()
    assert source.calls == ["hold", "go on"]
    assert len(await reader.read()) == HIGH_WATER_BYTES + 1
    assert await reader.read() == b""
    assert source.calls == ["hold", "go on"]


async def test_error_comes_after_what_came_and_stays() -> None:
    reader = BodyReader(Source())
    reader.feed(b"some")
    reader.fail(BadResponse("broken"))
    reader.fail(BadResponse("later"))
    assert await reader.read() == b"some"
    for _ in range(2):
        with pytest.raises(BadResponse, match="broken"):
            await reader.read()


async def test_reader_that_is_cancelled_loses_nothing() -> None:
    reader = BodyReader(Source())
    reading = asyncio.create_task(reader.read(), name="reader")
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    reader.feed(b"some")
    assert await reader.read() == b"some"
