"""The slow half of the shell: it starts and stops environments, each as one task, and tells what came of it.

At most one start and one stop run for an environment, and a stop waits for the start before it. Whatever a driver
raises ends as an event or is tried again: nothing here may leave the fleet waiting for a word that never comes.
State: the tasks, on the records; and the stops of environments that have no record.
"""

import asyncio
import logging
from collections.abc import Iterable

from executor.channels import open_channel
from executor.core.events import EnvironmentGone, EnvironmentStarted, StartFailed
from executor.driver import Driver, StartError, StartSpec
from executor.environment_record import EnvironmentRecord
from executor.invocation import EXECUTED_VERSION
from executor.owner import Owner
from executor.runtime_api.server import RuntimeApi
from executor.slot_keeper import SlotRecord
from executor.tasks import end_task
from executor.variables import function_variables
from kit.names import Names

# What the caller sees when something of ours broke; the log has the rest.
START_FAULT, START_MESSAGE = "Sandbox.Failure", "The environment could not be started"

log = logging.getLogger("lockgate.executor")


class Supervisor:
    def __init__(self, owner: Owner, driver: Driver, names: Names) -> None:
        self._owner = owner
        self._driver = driver
        self._names = names
        self._orphans: dict[int, asyncio.Task[None]] = {}

    def open(self, runtime_api: RuntimeApi) -> None:
        self._loop = asyncio.get_running_loop()
        self._runtime_api = runtime_api

    def start(self, record: EnvironmentRecord) -> None:
        """Begin to start it. Ends in EnvironmentStarted or StartFailed, or in nothing if it is stopped before."""
        name = f"start environment {record.number}"
        record.starter = self._loop.create_task(self._start(record), name=name)

    def stop(self, record: EnvironmentRecord, grace_s: float) -> None:
        """Hear nothing of it any more and begin to remove it. Ends in `Owner.removed`. Idempotent."""
        record.close_channel()
        if record.stopper is None:
            name = f"stop environment {record.number}"
            record.stopper = self._loop.create_task(self._stop(record, grace_s), name=name)

    def stop_orphan(self, number: int, grace_s: float) -> None:
        """Remove what the engine has and nobody here knows. Idempotent."""
        if number not in self._orphans:
            name = f"stop orphan {number}"
            self._orphans[number] = self._loop.create_task(self._stop_orphan(number, grace_s), name=name)

    async def close(self, records: Iterable[EnvironmentRecord]) -> None:
        """Cancel what is under way; the driver's own end removes what is left."""
        tasks = [*self._orphans.values()]
        for record in records:
            record.close_channel()
            tasks += [task for task in (record.starter, record.stopper) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self, record: EnvironmentRecord) -> None:
        try:
            existed_at = await (
                self._make(record) if record.slot is None else self._specialise(record, record.slot)
            )
        except StartError as error:
            self._failed(record, error)
        except OSError as error:
            log.warning("environment %d could not be started: %s", record.number, error)
            self._failed(record, StartError(START_MESSAGE, permanent=False, error_type=START_FAULT))
        except Exception:
            log.exception("environment %d could not be started", record.number)
            self._failed(record, StartError(START_MESSAGE, permanent=False, error_type=START_FAULT))
        else:
            if existed_at is not None:
                record.started_at = existed_at
                self._owner.handle(EnvironmentStarted(record.number, existed_at))

    def _failed(self, record: EnvironmentRecord, error: StartError) -> None:
        if record.slot is None or error.permanent:
            self._owner.init_failed(record, "error", error.error_type)
        else:
            log.warning("slot %d could not become an environment: %s", record.slot.number, error)
        self._owner.handle(StartFailed(record.number, error, error.permanent))

    async def _make(self, record: EnvironmentRecord) -> float | None:
        """When it came to be; None: it was told to stop before the driver was asked for it."""
        await self._driver.prepare(record.revision)
        if record.stopper is not None:
            return None
        kind = self._driver.channel_kind(record.revision.config.runtime)
        record.channel, address = await open_channel(self._runtime_api, kind, record.number)
        if record.stopper is not None:
            return None
        return await self._driver.start(self._spec(record), address)

    async def _specialise(self, record: EnvironmentRecord, slot: SlotRecord) -> float | None:
        """The same from a slot: when it was told its function."""
        await self._driver.prepare(record.revision)
        if slot.filler is not None:
            await asyncio.wait([slot.filler])  # its bootstrap may be heard before the driver is done with it
        if record.stopper is not None:
            return None
        record.is_handed_over = True
        specialisation = await self._driver.specialise(slot.number, self._spec(record))
        channel = record.channel
        if channel is None:  # it was told to stop
            return None
        record.log.init_start()
        if not channel.specialise(record.number, specialisation.document()):
            raise StartError("its bootstrap does not wait any more", permanent=False, error_type=START_FAULT)
        return self._owner.now()

    def _spec(self, record: EnvironmentRecord) -> StartSpec:
        revision = record.revision
        return StartSpec(
            environment=record.number,
            mark=self._names.environment_mark(record.number),
            shape=self._driver.shape(revision),
            revision=revision,
            variables=function_variables(
                revision,
                self._names,
                log_stream=record.log_stream,
                version=EXECUTED_VERSION,
                provisioned=record.provisioned,
            ),
        )

    async def _stop(self, record: EnvironmentRecord, grace_s: float) -> None:
        try:
            await end_task(record.starter)
            record.close_channel()  # it may have been opened while the stop waited for the start
            await self._driver.stop(record.number_at_driver, grace_s)
        except OSError as error:
            log.warning("environment %d could not be stopped yet: %s", record.number, error)
        except Exception:
            log.exception("environment %d could not be stopped yet", record.number)
        else:
            self._owner.removed(record)
            return
        record.stopper = None  # the fleet says it again; if it has lost sight of it, `stop_again` does
        record.must_stop = True

    def stop_again(self, records: Iterable[EnvironmentRecord]) -> None:
        """Try again what could not be stopped."""
        for record in records:
            if record.must_stop:
                self.stop(record, 0.0)

    async def _stop_orphan(self, number: int, grace_s: float) -> None:
        try:
            await self._driver.stop(number, grace_s)
        except Exception:
            log.exception("environment %d, which nobody knows, could not be stopped", number)
        else:
            self._owner.handle(EnvironmentGone(number))
        finally:
            del self._orphans[number]
