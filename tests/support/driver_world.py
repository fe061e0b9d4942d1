"""A driver with real channels and packages, for tests that hold for every driver.

`DriverWorld` is made for one driver by a subclass; environments speak the real Runtime API to it, and a `Recorder`
keeps what the driver and they said. A default handler executes the code that an event brings.
"""

import asyncio
import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from executor.core.instructions import RefuseReason
from executor.driver import (
    Capabilities,
    ChannelAddress,
    ChannelKind,
    Driver,
    ExitReport,
    SlotSpec,
    StartSpec,
)
from executor.revision import FunctionConfig, Revision
from executor.runtime_api.channel import EnvironmentChannel
from executor.runtime_api.contract import Delivery
from executor.runtime_api.host import HostChannel
from executor.runtime_api.server import PortChannel, RuntimeApi, SocketChannel
from executor.variables import function_variables
from kit.names import Names

WAIT_S = 60.0  # a container's start on a machine that is busy with others
RUNTIME = "python3.11"
# Executes what an event says; `result` is the answer.
HANDLER = """
import json, os, sys, time
def handler(event, context):
    scope = {"context": context, "json": json, "os": os, "sys": sys, "time": time}
    exec(event["code"], scope)
    return scope.get("result")
"""


class Answer(NamedTuple):
    """:param error: the error type, of one that was posted; "" for a response."""

    body: bytes
    error: str = ""


class Recorder:
    """Sink of the driver and of the Runtime API: keeps everything and lets a test wait for it."""

    def __init__(self) -> None:
        self.initialised: Callable[[int], None] = lambda _: None
        self._changed = asyncio.Event()
        self.forget()

    def forget(self) -> None:
        self.output: dict[int, bytearray] = defaultdict(bytearray)
        self.printed_bytes = 0
        self.keeps_output = True
        self.exits: dict[int, ExitReport] = {}
        self.asked: dict[int, int] = defaultdict(int)
        self.answers: dict[int, list[Answer]] = defaultdict(list)
        self.init_errors: dict[int, Answer] = {}
        self.slots: set[int] = set()

    async def until(self, holds: Callable[[], object], what: str) -> None:
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self._changed.clear()
                try:
                    await self._changed.wait()
                except asyncio.CancelledError:
                    raise TimeoutError(
                        f"waited in vain until {what}; {self.output!r} {self.exits!r}"
                    ) from None

    # --- the driver's ---

    def exited(self, environment: int, report: ExitReport) -> None:
        assert environment not in self.exits, "reported twice"
        self.exits[environment] = report
        self._changed.set()

    def printed(self, environment: int, chunk: bytes) -> None:
        self.printed_bytes += len(chunk)
        if self.keeps_output:
            self.output[environment] += chunk
        self._changed.set()

    # --- the Runtime API's ---

    def next_asked(self, environment: int) -> RefuseReason | None:
        if not self.asked[environment]:
            self.initialised(environment)
        self.asked[environment] += 1
        self._changed.set()
        return None

    def response_started(self, environment: int, request_id: str) -> RefuseReason | None:
        return None

    def response_ended(self, environment: int, request_id: str, body: bytes, *, complete: bool) -> None:
        self.answers[environment].append(Answer(body, "" if complete else "cut"))
        self._changed.set()

    def error_posted(
        self, environment: int, request_id: str, body: bytes, error_type: str
    ) -> RefuseReason | None:
        self.answers[environment].append(Answer(body, error_type))
        self._changed.set()
        return None

    def response_too_large(self, environment: int, request_id: str) -> RefuseReason | None:
        self.answers[environment].append(Answer(b"", "too large"))
        self._changed.set()
        return None

    def init_error_posted(self, environment: int, body: bytes, error_type: str) -> RefuseReason | None:
        self.init_errors[environment] = Answer(body, error_type)
        self._changed.set()
        return None

    def slot_ready(self, slot: int) -> RefuseReason | None:
        self.slots.add(slot)
        self._changed.set()
        return None

    def slot_lost(self, slot: int) -> None:
        self.slots.discard(slot)
        self._changed.set()


class Started:
    """One environment."""

    def __init__(self, world: "DriverWorld", number: int) -> None:
        self.world = world
        self.number = number

    @property
    def output(self) -> str:
        return self.world.sink.output[self.number].decode()

    async def ready(self) -> Self:
        """It has asked for its first event."""
        sink, number = self.world.sink, self.number
        failed = lambda: number in sink.exits or number in sink.init_errors  # noqa: E731
        await sink.until(lambda: sink.asked[number] or failed(), f"{number} is ready")
        assert not failed(), (sink.exits.get(number), sink.init_errors.get(number), self.output)
        return self

    async def invoke(self, event: Any) -> Answer:
        """Deliver an event and wait for its answer, until it asks for the next one."""
        sink, number = self.world.sink, self.number
        before, asked = len(sink.answers[number]), sink.asked[number]
        self.deliver(event)
        await sink.until(
            lambda: len(sink.answers[number]) > before and sink.asked[number] > asked, "an answer"
        )
        return sink.answers[number][before]

    def deliver(self, event: Any) -> None:
        delivery = Delivery(
            request_id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            payload=json.dumps(event).encode(),
            deadline_ms=4_000_000_000_000,
            function_arn="arn:aws:lambda:us-east-1:000000000000:function:f",
            trace="Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        )
        assert self.world.channels[self.number].deliver(delivery)

    async def does(self, code: str) -> Any:
        """What `result` is after the code was executed in the function."""
        answer = await self.invoke({"code": code})
        assert not answer.error, answer.body.decode()
        return json.loads(answer.body)

    def dies_of(self, code: str) -> None:
        """Have it execute what it will not survive."""
        self.deliver({"code": code})

    async def until(self, expression: str, value: Any) -> None:
        """Ask until the expression has the value."""
        async with asyncio.timeout(WAIT_S):
            while await self.does(f"result = {expression}") != value:
                pass

    async def exit(self) -> ExitReport:
        await self.world.sink.until(lambda: self.number in self.world.sink.exits, f"{self.number} has ended")
        return self.world.sink.exits[self.number]

    async def stop(self) -> None:
        await self.world.driver.stop(self.number, 0)


class DriverWorld(ABC):
    """``async with``; leaving it closes the driver and checks that nothing is left."""

    def __init__(self, *, instance: str = "", epoch: int = 1, folder: Path | None = None) -> None:
        self.names = Names(instance=instance or os.urandom(4).hex(), epoch=epoch)
        self._owns_folder = folder is None
        # Short: a socket's path has 107 bytes.
        self.folder = folder or Path(tempfile.mkdtemp(prefix="lg")).resolve()
        self.folder.chmod(0o755)
        self.sink = Recorder()
        self.runtime_api = RuntimeApi(self.sink, self.folder / "e")
        self.channels: dict[int, EnvironmentChannel] = {}
        self.driver = self.make_driver()
        self.sink.initialised = self.driver.initialised
        self.capabilities: Capabilities
        self._next = 0

    @property
    def upcoming(self) -> int:
        """The number of the next environment."""
        return self._next + 1

    @abstractmethod
    def make_driver(self) -> Driver: ...

    @abstractmethod
    async def leftovers(self) -> list[str]:
        """What is on this machine of the instance."""

    @property
    def image(self) -> str | None:
        """Of Python functions."""
        return None

    async def __aenter__(self) -> Self:
        try:
            self.capabilities = await self.driver.open(self.sink)
            await self.listen()
        except BaseException as error:
            await self.__aexit__(type(error))
            raise
        return self

    @abstractmethod
    async def listen(self) -> None:
        """Where environments with host names reach the Runtime API."""

    async def __aexit__(self, kind: object, *_: object) -> None:
        await self.close()
        left = await self.leftovers()
        if self._owns_folder:
            shutil.rmtree(self.folder)
        if kind is None:
            assert left == []

    async def clear(self) -> None:
        """Stop every environment, and forget what was recorded."""
        await asyncio.gather(*(self.driver.stop(number, 0) for number in self.driver.environments()))
        for channel in self.channels.values():
            channel.close()
        self.channels.clear()
        self.sink.forget()

    async def close(self) -> None:
        await self.driver.close()
        for channel in self.channels.values():
            channel.close()
        self.runtime_api.close()

    # --- what a start needs ----------------------------------------------------------------------

    def package_folder(self, digest: str) -> Path:
        return self.folder / "packages" / digest

    def package(self, files: Mapping[str, str | bytes], executable: str = "") -> str:
        digest = os.urandom(8).hex()
        for name, content in files.items():
            file = self.package_folder(digest) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            file.chmod(0o755 if name == executable else 0o644)
        return digest

    def revision(self, package: str, *, image: str | None = None, **config: Any) -> Revision:
        settings: dict[str, Any] = {"runtime": RUNTIME, "memory_mb": 256, "storage_mb": 64} | config
        if "image_config" in settings:
            settings["image"] = settings.pop("image_config")
        full = FunctionConfig(name="f", handler="app.handler", **settings)
        return Revision.of(full, package, image or self.image)

    def spec(self, revision: Revision) -> StartSpec:
        self._next += 1
        variables = function_variables(revision, self.names, log_stream="stream", version="$LATEST")
        return StartSpec(
            environment=self._next,
            mark=self.names.environment_mark(self._next),
            shape=self.driver.shape(revision),
            revision=revision,
            variables=variables,
        )

    async def channel(self, number: int, kind: ChannelKind) -> ChannelAddress:
        channel: SocketChannel | PortChannel | HostChannel
        if kind is ChannelKind.SOCKET:
            channel = await self.runtime_api.open_socket(number)
            address = ChannelAddress(kind=kind, folder=channel.folder)
        elif kind is ChannelKind.PORT:
            channel = await self.runtime_api.open_port(number)
            address = ChannelAddress(kind=kind, port=channel.port, admit=channel.admit)
        else:
            channel = await self.runtime_api.open_host(number)
            address = ChannelAddress(
                kind=kind, host=channel.name, port=channel.port, admit_peer=channel.admit_peer
            )
        self.channels[number] = channel
        return address

    # --- starts ----------------------------------------------------------------------------------

    async def begin(self, revision: Revision) -> Started:
        """An environment that exists; whether it gets ready is its own affair."""
        await self.driver.prepare(revision)
        spec = self.spec(revision)
        kind = self.driver.channel_kind(revision.config.runtime)
        await self.driver.start(spec, await self.channel(spec.environment, kind))
        return Started(self, spec.environment)

    async def start(self, code: str = "", **config: Any) -> Started:
        """A Python function that is ready. :param code: runs when its module is imported."""
        return await (await self.launch(code, **config)).ready()

    async def launch(self, code: str = "", **config: Any) -> Started:
        return await self.begin(self.revision(self.package({"app.py": code + HANDLER}), **config))

    async def fill(self, revision: Revision) -> Started:
        """A slot that waits for its function."""
        self._next += 1
        number = self._next
        shape = self.driver.shape(revision)
        mark = self.names.environment_mark(number)
        address = await self.channel(number, ChannelKind.SOCKET)
        await self.driver.fill(SlotSpec(slot=number, mark=mark, shape=shape), address)
        await self.sink.until(
            lambda: number in self.sink.slots or number in self.sink.exits, "the slot is ready"
        )
        assert number in self.sink.slots, (self.sink.exits, self.sink.output)
        return Started(self, number)

    async def specialise(self, slot: Started, revision: Revision) -> Started:
        """The slot as an environment; ready or not."""
        spec = self.spec(revision)
        channel = self.channels[slot.number]
        found = await self.driver.specialise(slot.number, spec)
        self.channels[spec.environment] = self.channels.pop(slot.number)
        assert channel.specialise(spec.environment, found.document())
        return Started(self, spec.environment)
