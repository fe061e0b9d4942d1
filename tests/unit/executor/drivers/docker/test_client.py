"""The engine's client over a real socket: what failures are called, that each call ends, that streams do not mix."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from executor.drivers.docker.engine import client as client_module
from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import Conflict, EngineBusy, EngineError, EngineGone, NotFound
from tests.support.fake_engine import Call, FakeEngine, answering, hanging_up, silent


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    async with FakeEngine() as made:
        yield made


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[EngineClient]:
    made = EngineClient(engine.address)
    await made.open()
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("newest", "used"),
    [("1.41", "/v1.41/"), ("1.45", "/v1.45/"), ("1.51", "/v1.51/"), ("1.60", "/v1.51/")],
)
async def test_newest_version_that_both_know_is_spoken(engine: FakeEngine, newest: str, used: str) -> None:
    engine.version["ApiVersion"] = newest
    client = EngineClient(engine.address)
    assert (await client.open()).api == used[2:-1]
    engine.say(answering(200))
    await client.ping()
    assert engine.calls[-1].target == f"{used}_ping"
    await client.close()


async def test_engine_that_is_too_old_is_refused(engine: FakeEngine) -> None:
    engine.version["ApiVersion"] = "1.40"
    client = EngineClient(engine.address)
    with pytest.raises(EngineError, match=r"1\.41 \(Docker 20\.10\) is needed"):
        await client.open()
    await client.close()


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (409, Conflict), (500, EngineError)])
async def test_refusals_are_typed_and_keep_the_engines_words(
    engine: FakeEngine, client: EngineClient, status: int, kind: type[EngineError]
) -> None:
    engine.say(answering(status, {"message": "its words"}))
    with pytest.raises(kind, match="its words") as caught:
        await client.start("c")
    assert (caught.value.status, caught.value.message) == (status, "its words")
    assert isinstance(caught.value, OSError)


async def test_call_without_an_answer_ends_at_its_deadline(engine: FakeEngine, client: EngineClient) -> None:
    engine.say(silent)
    with pytest.raises(EngineBusy):
        await client.ping(timeout_s=0.05)
    engine.say(answering(200))
    await client.ping()  # the twin: the same call to an engine that answers


async def test_engine_that_hangs_up_is_gone(engine: FakeEngine, client: EngineClient) -> None:
    engine.say(hanging_up)
    with pytest.raises(EngineGone):
        await client.info()


async def test_nobody_there_is_gone(engine: FakeEngine) -> None:
    assert engine.address.socket is not None
    client = EngineClient(EngineAddress(socket=engine.address.socket.with_name("none")))
    with pytest.raises(EngineGone):
        await client.open()
    await client.close()


async def test_streams_do_not_take_the_places_of_short_calls(
    engine: FakeEngine, client: EngineClient
) -> None:
    """A pool of connections that log streams can use up stops everything else."""

    async def attach(call: Call) -> None:
        call.send(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        await asyncio.Event().wait()

    count = client_module.AT_ONCE * 2
    engine.say(*[attach] * count)
    streams = [await client.attach(f"c{number}") for number in range(count)]
    engine.say(answering(200, {"Containers": 1}))
    assert (await client.info())["Containers"] == 1
    for stream in streams:
        stream.close()


async def test_attached_output_is_unpacked(engine: FakeEngine, client: EngineClient) -> None:
    async def attach(call: Call) -> None:
        call.send(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\1\0\0\0\0\0\0\3out")
        call.send(b"\2\0\0\0\0\0\0\3err")
        call.hang_up()

    engine.say(attach)
    seen: list[bytes] = []
    stream = await client.attach("c")
    stream.listen(seen.append)
    assert stream.ended is not None
    await stream.ended
    assert b"".join(seen) == b"outerr"
    stream.close()


async def test_attach_that_is_refused_is_typed(engine: FakeEngine, client: EngineClient) -> None:
    engine.say(answering(404, {"message": "No such container: c"}))
    with pytest.raises(NotFound, match="No such container"):
        await client.attach("c")


async def test_events_come_by_lines_however_they_are_cut(engine: FakeEngine, client: EngineClient) -> None:
    async def events(call: Call) -> None:
        await call.begin_stream()
        for part in (b'{"a"', b":1}\n{", b'"b":2}\n'):
            call.send_chunk(part)
        call.send(b"0\r\n\r\n")

    engine.say(events)
    stream = client.events(label="l=1", since="12.5")
    lines = [await anext(stream) for _ in range(3)]
    with pytest.raises(EngineGone):
        await anext(stream)
    assert lines == [b"", b'{"a":1}', b'{"b":2}']
    assert "since=12.5" in engine.calls[-1].target


async def test_remove_is_idempotent(engine: FakeEngine, client: EngineClient) -> None:
    engine.say(answering(404, {"message": "No such container"}))
    await client.remove("c")
    engine.say(
        answering(409, {"message": "removal already in progress"}), answering(200, {"StatusCode": 137})
    )
    await client.remove("c")
    assert engine.calls[-1].target.endswith("/containers/c/wait?condition=removed")


async def test_kill_of_one_that_has_ended_is_done(engine: FakeEngine, client: EngineClient) -> None:
    engine.say(answering(409, {"message": "is not running"}))
    await client.kill("c")


async def test_body_goes_as_json(engine: FakeEngine, client: EngineClient) -> None:
    engine.say(answering(201, {"Id": "abc", "Warnings": []}))
    assert await client.create("name", {"Image": "i"}) == "abc"
    assert engine.calls[-1].body == b'{"Image":"i"}'
    assert engine.calls[-1].target == "/v1.48/containers/create?name=name"
