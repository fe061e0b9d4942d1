"""Events of the engine: what is read of them, and that a break loses none."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest

from executor.drivers.docker.engine.errors import EngineGone
from executor.drivers.docker.engine.events import ContainerEvent, EventWatch, read_event

DIE = {
    "Type": "container",
    "Action": "die",
    "Actor": {"ID": "c1", "Attributes": {"exitCode": "137", "lockgate.instance": "x"}},
    "timeNano": 1_700_000_000_000_000_005,
}


def test_die_with_its_exit_code() -> None:
    found = read_event(json.dumps(DIE).encode())
    assert found is not None
    assert found == (ContainerEvent(container="c1", action="die", exit_code=137), "1700000000.000000006")


def test_oom_has_no_exit_code() -> None:
    found = read_event(json.dumps(DIE | {"Action": "oom", "Actor": {"ID": "c1"}}).encode())
    assert found is not None
    assert found[0] == ContainerEvent(container="c1", action="oom", exit_code=None)


@pytest.mark.parametrize(
    "line", [b"", b"nonsense", b"[]", b"{}", b'{"Actor": null}', b'{"Actor": {"ID": "x"}}']
)
def test_what_is_no_event_is_passed_over(line: bytes) -> None:
    assert read_event(line) is None


async def test_watch_goes_on_where_it_was_cut_off() -> None:
    """The server is told of an end that happened while the stream was broken."""
    asked: list[str | None] = []
    happened: list[str] = []
    connected = 0
    done = asyncio.Event()
    scripts: list[Sequence[bytes]] = [[b"", json.dumps(DIE).encode()], [], [b"", json.dumps(DIE).encode()]]

    async def open_stream(since: str | None) -> AsyncIterator[bytes]:
        asked.append(since)
        for line in scripts.pop(0):
            yield line
        if not scripts:
            done.set()
            await asyncio.Event().wait()
        raise EngineGone("cut")

    async def on_connected() -> None:
        nonlocal connected
        connected += 1

    watch = EventWatch(open_stream, lambda event: happened.append(event.action), on_connected)
    task = asyncio.create_task(watch.run())
    await done.wait()
    task.cancel()
    assert asked == [None, "1700000000.000000006", "1700000000.000000006"]
    assert happened == ["die", "die"]
    assert connected == 2
    assert watch.began.is_set()


async def test_watch_outlives_whoever_it_tells(caplog: pytest.LogCaptureFixture) -> None:
    """A fault in what an event causes is logged; the next event is heard."""
    happened: list[str] = []
    heard_again = asyncio.Event()

    async def open_stream(_: str | None) -> AsyncIterator[bytes]:
        yield b""
        yield json.dumps(DIE).encode()
        await asyncio.Event().wait()

    def on_event(event: ContainerEvent) -> None:
        happened.append(event.action)
        if len(happened) == 1:
            raise LookupError("a fault of ours")
        heard_again.set()

    async def on_connected() -> None: ...

    task = asyncio.create_task(EventWatch(open_stream, on_event, on_connected).run())
    await heard_again.wait()
    task.cancel()
    assert happened == ["die", "die"]
    assert "could not be dealt with" in caplog.text
