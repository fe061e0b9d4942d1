"""The shell's slots: it makes and removes them, each as one task, and tells the fleet what came of it.

A slot that is taken for an environment is the `Supervisor`'s from then on. Whatever a driver raises ends as an event
or is tried again. State: a record for each slot that was not taken.
"""

import asyncio
import logging

from executor.channels import open_channel
from executor.core.events import SlotFailed
from executor.driver import Driver, SlotSpec, StartError
from executor.owner import Owner
from executor.runtime_api.contract import Channel
from executor.runtime_api.server import RuntimeApi
from executor.start_mode import read_shape
from executor.tasks import end_task
from kit.names import Names

_SHOWN_BYTES = 500  # of one piece of a slot's output, in our own log

log = logging.getLogger("lockgate.executor")


class SlotRecord:
    """:ivar must_drop: it was told to go, and could not be removed yet."""

    __slots__ = ("channel", "dropper", "filler", "must_drop", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.channel: Channel | None = None
        self.filler: asyncio.Task[None] | None = None
        self.dropper: asyncio.Task[None] | None = None
        self.must_drop = False

    def __repr__(self) -> str:
        return f"<SlotRecord {self.number}>"

    def close_channel(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None


class SlotKeeper:
    def __init__(self, owner: Owner, driver: Driver, names: Names) -> None:
        self.records: dict[int, SlotRecord] = {}
        self._owner = owner
        self._driver = driver
        self._names = names

    def open(self, runtime_api: RuntimeApi) -> None:
        self._loop = asyncio.get_running_loop()
        self._runtime_api = runtime_api

    def fill(self, number: int, shape: str) -> None:
        """Begin to make it. Its bootstrap says that it is ready; what goes wrong is SlotFailed."""
        record = self.records[number] = SlotRecord(number)
        record.filler = self._loop.create_task(self._fill(record, shape), name=f"fill slot {number}")

    def take(self, number: int) -> SlotRecord:
        """Hand it over, to become an environment."""
        return self.records.pop(number)

    def drop(self, number: int) -> None:
        """Hear nothing of it any more and begin to remove it. Ends in SlotGone. Idempotent."""
        record = self.records.get(number)
        if record is None:
            return
        record.close_channel()
        if record.dropper is None:
            record.dropper = self._loop.create_task(self._drop(record), name=f"drop slot {number}")

    def drop_again(self) -> None:
        """Try again what could not be removed."""
        for record in tuple(self.records.values()):
            if record.must_drop:
                self.drop(record.number)

    def printed(self, number: int, chunk: bytes) -> None:
        """What a slot says before it is anybody's: never a function's output."""
        log.debug("slot %d: %r", number, chunk[:_SHOWN_BYTES])

    async def close(self) -> None:
        """Cancel what is under way; the driver's own end removes what is left."""
        tasks = []
        for record in self.records.values():
            record.close_channel()
            tasks += [task for task in (record.filler, record.dropper) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.records.clear()

    async def _fill(self, record: SlotRecord, shape_key: str) -> None:
        number = record.number
        try:
            shape = read_shape(shape_key)
            kind = self._driver.channel_kind(shape.runtime)
            record.channel, address = await open_channel(self._runtime_api, kind, number)
            if record.dropper is None:
                spec = SlotSpec(slot=number, mark=self._names.environment_mark(number), shape=shape)
                await self._driver.fill(spec, address)
        except (StartError, OSError) as error:
            log.warning("slot %d could not be made: %s", number, error)
            self._owner.handle(SlotFailed(number))
        except Exception:
            log.exception("slot %d could not be made", number)
            self._owner.handle(SlotFailed(number))

    async def _drop(self, record: SlotRecord) -> None:
        number = record.number
        try:
            await end_task(record.filler)
            record.close_channel()  # it may have been opened while this waited
            await self._driver.stop(number, 0.0)
        except OSError as error:
            log.warning("slot %d could not be removed yet: %s", number, error)
        except Exception:
            log.exception("slot %d could not be removed yet", number)
        else:
            del self.records[number]
            self._owner.slot_removed(number)
            return
        record.dropper = None  # the fleet says it again; if it has lost sight of it, `drop_again` does
        record.must_drop = True
