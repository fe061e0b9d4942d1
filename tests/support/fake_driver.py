"""A driver without processes: its environments are tasks that speak the real Runtime API over the real socket.

What an environment does with an event stands in the event: ``{"do": VERB, …}``, see `FakeEnvironment`. How starts
and stops go wrong is said to the driver beforehand, one entry for each start or stop.
"""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from executor.driver import (
    Capabilities,
    ChannelAddress,
    ChannelKind,
    DriverSink,
    EnvironmentShape,
    ExitReport,
    SlotSpec,
    Specialisation,
    StartMode,
    StartSpec,
)
from executor.revision import Revision
from tests.support.runtime_wire import INVOCATION, NEXT, RawClient, Reply, post, response

FOREIGN_ID = "00000000-0000-4000-8000-000000000000"
PEAK_MB = 42
WAIT = b"GET /lockgate/specialise HTTP/1.1\r\nHost: runtime\r\n\r\n"


async def connect(address: ChannelAddress) -> RawClient:
    if address.folder is not None:
        path = address.folder / "api.sock"
        return RawClient(*await asyncio.open_unix_connection(str(path), limit=2**23))
    return RawClient(*await asyncio.open_connection("127.0.0.1", address.port, limit=2**23))


class FakeEnvironment:
    """One environment. Verbs of events:

    - echo (or none): answer the event itself; headers: answer its headers; sized ``bytes``: answer a string of so
      many bytes of JSON; wait ``gate``: answer when the driver's gate opens
    - print ``text``, then answer; chatty ``text``: print after the answer
    - error ``type``: post an error; exit ``code``; signal ``number``; oom
    - half: a part of an answer, then a new connection; vanish: a part of an answer, then (gate "half") a signal
    - no_next: answer and say no more; early_next: ask for the next event first
    - foreign: answer a foreign id first, and wait for ``gate`` if there is one
    """

    def __init__(self, driver: "FakeDriver", spec: StartSpec, address: ChannelAddress, plan: str) -> None:
        self.driver = driver
        self.spec = spec
        self.plan = plan
        self.address = address
        self.unread = b""
        self.client: RawClient | None = None
        self.slot: FakeSlot | None = None
        self.replies: list[Reply] = []
        self.events: list[str] = []

    async def connect(self) -> RawClient:
        return await connect(self.address)

    async def run(self) -> None:
        """Live until the server closes the channel, or the script ends it."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if await self._init():
                while await self._serve_one():
                    self.driver.changed.set()
        self.driver.changed.set()

    def leave(self) -> None:
        if self.client is not None:
            self.client.writer.transport.abort()
        if self.slot is not None:
            self.slot.leave()

    async def _init(self) -> bool:
        if self.plan == "never":
            return False
        if self.plan == "exit":
            self.driver.exit(self, ExitReport(code=1))
            return False
        if self.client is None:
            self.client = await self.connect()
        if self.plan == "init_error":
            body = b'{"errorMessage":"No module named \'nope\'","errorType":"Runtime.ImportModuleError"}'
            kind = "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n"
            await self._tell(post("/2018-06-01/runtime/init/error", body, headers=kind))
            self.driver.exit(self, ExitReport(code=1))
            return False
        if self.plan == "deaf":
            self.client.send(NEXT)
            await self.driver.heard.wait()
            await self.client.close()
            return False
        return True

    async def _tell(self, message: bytes) -> Reply:
        assert self.client is not None
        self.client.send(message)
        reply = await self.client.reply()
        self.replies.append(reply)
        self.driver.changed.set()
        return reply

    async def _serve_one(self) -> bool:
        assert self.client is not None
        self.client.send(NEXT)
        event = await self.client.reply()
        request_id = event.headers["lambda-runtime-aws-request-id"]
        self.events.append(request_id)
        self.driver.changed.set()
        asked = json.loads(event.body)
        asked = asked if isinstance(asked, dict) else {}
        verb: Callable[..., Any] = getattr(self, f"do_{asked.get('do', 'echo')}")
        return await verb(request_id, asked, event) is not False

    async def do_echo(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        await self._tell(response(event.body, request_id=request_id))

    async def do_sized(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        await self._tell(response(b'"%b"' % (b"x" * (asked["bytes"] - 2)), request_id=request_id))

    async def do_headers(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        await self._tell(response(json.dumps(event.headers).encode(), request_id=request_id))

    async def do_wait(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        await self.driver.gate(asked["gate"]).wait()
        await self._tell(response(event.body, request_id=request_id))

    async def do_print(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        self.unread += asked["text"].encode()
        await self._tell(response(event.body, request_id=request_id))

    async def do_chatty(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        await self._tell(response(event.body, request_id=request_id))
        self.unread += asked["text"].encode()

    async def do_error(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        body = json.dumps({"errorMessage": "no", "errorType": asked["type"]}).encode()
        kind = f"Lambda-Runtime-Function-Error-Type: {asked['type']}\r\n"
        await self._tell(post(f"{INVOCATION}/{request_id}/error", body, headers=kind))

    async def do_exit(self, request_id: str, asked: dict[str, Any], event: Reply) -> bool:
        self.driver.exit(self, ExitReport(code=asked["code"]))
        return False

    async def do_signal(self, request_id: str, asked: dict[str, Any], event: Reply) -> bool:
        self.driver.exit(self, ExitReport(signal=asked["number"]))
        return False

    async def do_oom(self, request_id: str, asked: dict[str, Any], event: Reply) -> bool:
        self.driver.exit(self, ExitReport(signal=9, out_of_memory=True))
        return False

    async def do_half(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        assert self.client is not None
        self.client.send(response(b"0123456789", request_id=request_id)[:-4])
        await self.client.writer.drain()
        await self.client.close()
        self.client = await self.connect()

    async def do_vanish(self, request_id: str, asked: dict[str, Any], event: Reply) -> bool:
        assert self.client is not None
        self.client.send(response(b"0123456789", request_id=request_id)[:-4])
        await self.driver.gate("half").wait()
        self.driver.exit(self, ExitReport(signal=11))
        return False

    async def do_no_next(self, request_id: str, asked: dict[str, Any], event: Reply) -> bool:
        await self._tell(response(event.body, request_id=request_id))
        return False

    async def do_foreign(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        await self._tell(response(b"{}", request_id=FOREIGN_ID))
        body, kind = b"{}", "Lambda-Runtime-Function-Error-Type: Function.Foreign\r\n"
        await self._tell(post(f"{INVOCATION}/{FOREIGN_ID}/error", body, headers=kind))
        if "gate" in asked:
            await self.driver.gate(asked["gate"]).wait()
        await self._tell(response(event.body, request_id=request_id))

    async def do_early_next(self, request_id: str, asked: dict[str, Any], event: Reply) -> None:
        await self._tell(NEXT)
        await self._tell(response(event.body, request_id=request_id))


class FakeSlot:
    """A waiting bootstrap. Plans: ready; never (it never waits); exit (before it waits); lost (its connection breaks
    when the gate "lost" opens); twice (it asks on a second connection, too); next (it asks for an event first).

    :ivar environment: what it becomes; set when the driver is asked for it.
    :ivar document: what it was told.
    """

    def __init__(self, driver: "FakeDriver", spec: SlotSpec, address: ChannelAddress, plan: str) -> None:
        self.driver = driver
        self.spec = spec
        self.address = address
        self.plan = plan
        self.client: RawClient | None = None
        self.environment: FakeEnvironment | None = None
        self.document: dict[str, Any] = {}
        self.replies: list[Reply] = []

    async def run(self) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._wait()
        self.driver.changed.set()

    async def _wait(self) -> None:
        if self.plan == "never":
            return
        if self.plan == "exit":
            self.driver.exit_slot(self.spec.slot, ExitReport(code=1))
            return
        self.driver.connecting.add(self.spec.slot)
        self.client = await connect(self.address)
        if self.plan == "next":
            self.replies.append(await self._ask(self.client, NEXT))
        self.client.send(WAIT)
        if self.plan == "lost":
            await self.driver.gate("lost").wait()
            await self.client.close()
            return
        if self.plan == "twice":
            await self.driver.gate("twice").wait()
            second = await connect(self.address)
            self.replies.append(await self._ask(second, WAIT))
            await second.close()
        reply = await self.client.reply()
        self.document = json.loads(reply.body)
        assert self.environment is not None
        if self.document["mode"] == "warm":
            self.environment.client = self.client
        else:
            await self.client.close()
        self.client = None
        await self.environment.run()

    async def _ask(self, client: RawClient, message: bytes) -> Reply:
        client.send(message)
        reply = await client.reply()
        self.driver.changed.set()
        return reply

    def leave(self) -> None:
        if self.client is not None:
            self.client.writer.transport.abort()


class FakeDriver:
    """:ivar has_slots: slots are used, for every function of which `modes` does not say otherwise.
    :ivar slot_plans: how the coming slots behave, see `FakeSlot`. Then all are ready.
    :ivar fill_faults: what the coming fills do, as with starts; `specialise_faults` and `refresh_faults` the same.
    :ivar plans: how the inits of the coming starts go: ready, never, exit, init_error, deaf. Then all are ready.
    :ivar start_faults: what the coming starts do: raise the exception, wait for the event, or (None) nothing.
    :ivar stop_faults: the same of stops. :ivar faults: name of a synchronous method → what it raises, always.
    :ivar heard: a deaf environment closes its socket when it is set.
    """

    def __init__(self) -> None:
        self.plans: deque[str] = deque()
        self.prepare_faults: deque[BaseException | asyncio.Event | None] = deque()
        self.start_faults: deque[BaseException | asyncio.Event | None] = deque()
        self.stop_faults: deque[BaseException | asyncio.Event | None] = deque()
        self.faults: dict[str, BaseException] = {}
        self.has_slots = False
        self.modes: dict[str, StartMode] = {}
        self.slot_plans: deque[str] = deque()
        self.fill_faults: deque[BaseException | asyncio.Event | None] = deque()
        self.specialise_faults: deque[BaseException | asyncio.Event | None] = deque()
        self.refresh_faults: deque[BaseException | asyncio.Event | None] = deque()
        self.slots_made: dict[int, FakeSlot] = {}
        self.connecting: set[int] = set()
        self.gateways: tuple[str, ...] = ()
        self.trouble = ""
        self.kind = ChannelKind.SOCKET
        self.heard = asyncio.Event()
        self.changed = asyncio.Event()
        self.specs: list[StartSpec] = []
        self.environments_made: dict[int, FakeEnvironment] = {}
        self.alive: set[int] = set()
        self.stops: list[int] = []
        self.initialised_ones: list[int] = []
        self.cancelled_starts = 0
        self.is_closed = False
        self.now: Callable[[], float] = time.monotonic
        self._gates: dict[str, asyncio.Event] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._exited: set[int] = set()

    def gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())

    async def open(self, sink: DriverSink) -> Capabilities:
        self.sink = sink
        return Capabilities(
            name="fake",
            runtimes=("python3.11",),
            private_tmp=False,
            memory_limit="none",
            own_uid=False,
            slots=self.has_slots,
        )

    def channel_kind(self, runtime: str) -> ChannelKind:
        self._raise("channel_kind")
        return self.kind

    async def prepare(self, revision: Revision) -> None:
        await self._suffer(self.prepare_faults)

    async def start(self, spec: StartSpec, channel: ChannelAddress) -> float:
        self.specs.append(spec)
        self.changed.set()
        try:
            await self._suffer(self.start_faults)
        except asyncio.CancelledError:
            self.cancelled_starts += 1
            raise
        plan = self.plans.popleft() if self.plans else "ready"
        environment = FakeEnvironment(self, spec, channel, plan)
        number = spec.environment
        self.environments_made[number] = environment
        self.alive.add(number)
        self._tasks[number] = asyncio.create_task(environment.run(), name=f"fake environment {number}")
        return self.now()

    def start_mode(self, revision: Revision) -> StartMode:
        self._raise("start_mode")
        return self.modes.get(revision.config.name, StartMode.WARM if self.has_slots else StartMode.DIRECT)

    def shape(self, revision: Revision) -> EnvironmentShape:
        config = revision.config
        return EnvironmentShape(
            runtime=config.runtime, storage_mb=config.storage_mb, networks=config.network.join
        )

    async def fill(self, spec: SlotSpec, channel: ChannelAddress) -> None:
        self.changed.set()
        await self._suffer(self.fill_faults)
        plan = self.slot_plans.popleft() if self.slot_plans else "ready"
        slot = self.slots_made[spec.slot] = FakeSlot(self, spec, channel, plan)
        self.alive.add(spec.slot)
        self._tasks[spec.slot] = asyncio.create_task(slot.run(), name=f"fake slot {spec.slot}")

    async def specialise(self, slot: int, spec: StartSpec) -> Specialisation:
        self.specs.append(spec)
        made, number = self.slots_made[slot], spec.environment
        plan = self.plans.popleft() if self.plans else "ready"
        environment = made.environment = FakeEnvironment(self, spec, made.address, plan)
        environment.slot = made
        self.environments_made[number] = environment
        self._tasks[number] = self._tasks.pop(slot)
        self.alive = self.alive - {slot} | {number}
        self.changed.set()
        await self._suffer(self.specialise_faults)
        return Specialisation(mode=self.start_mode(spec.revision), variables=spec.variables)

    async def refresh(self) -> None:
        await self._suffer(self.refresh_faults)

    async def stop(self, environment: int, grace_s: float) -> None:
        self.stops.append(environment)
        self.changed.set()
        await self._suffer(self.stop_faults)
        await self._remove(environment)

    def exit_slot(self, number: int, report: ExitReport) -> None:
        self.alive.discard(number)
        self.sink.exited(number, report)

    def exit(self, environment: FakeEnvironment, report: ExitReport) -> None:
        number = environment.spec.environment
        if number in self.alive and number not in self._exited:
            self._exited.add(number)
            self.alive.discard(number)
            self.sink.exited(number, report)

    def initialised(self, environment: int) -> None:
        self.initialised_ones.append(environment)

    def flush(self, environment: int) -> None:
        self._raise("flush")
        made = self.environments_made.get(environment)
        if made is not None and made.unread:
            chunk, made.unread = made.unread, b""
            self.sink.printed(environment, chunk)

    def peak_memory_mb(self, environment: int) -> int:
        self._raise("peak_memory_mb")
        return PEAK_MB

    def environments(self) -> frozenset[int]:
        self._raise("environments")
        return frozenset(self.alive)

    async def close(self) -> None:
        for number in list(self._tasks):
            await self._remove(number)
        self.is_closed = True

    async def _remove(self, number: int) -> None:
        self.alive.discard(number)
        task = self._tasks.pop(number, None)
        self.connecting.discard(number)
        for made in (self.environments_made.get(number), self.slots_made.get(number)):
            if made is not None:
                made.leave()
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _suffer(self, faults: deque[BaseException | asyncio.Event | None]) -> None:
        fault = faults.popleft() if faults else None
        if isinstance(fault, BaseException):
            raise fault
        if fault is not None:
            await fault.wait()

    def _raise(self, method: str) -> None:
        if method in self.faults:
            raise self.faults[method]
