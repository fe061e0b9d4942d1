"""Makes the records of environments: their ARN, their log stream and their function's metrics."""

from datetime import UTC, datetime
from uuid import uuid4

from executor.core.instructions import SpecializeSlot, StartEnvironment
from executor.environment_record import EnvironmentRecord
from executor.invocation import EXECUTED_VERSION
from executor.logs.environment_log import EnvironmentLog
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.revision import Revision
from executor.slot_keeper import SlotRecord
from executor.variables import log_stream_name
from kit.names import Names


class RecordMaker:
    def __init__(self, names: Names, logs: FunctionLogs, metrics: ExecutorMetrics) -> None:
        self._names = names
        self._logs = logs
        self._metrics = metrics

    def make(
        self,
        instruction: StartEnvironment | SpecializeSlot,
        revision: Revision,
        slot: SlotRecord | None,
        *,
        asked_at: float,
    ) -> EnvironmentRecord:
        config = revision.config
        stream = log_stream_name(datetime.now(UTC), EXECUTED_VERSION, uuid4().hex)
        return EnvironmentRecord(
            number=instruction.env,
            revision=revision,
            arn=self._names.function_arn(config.name),
            phase=instruction.phase,
            asked_at=asked_at,
            log=EnvironmentLog(self._logs, function=config.name, stream=stream, runtime=config.runtime),
            log_stream=stream,
            metrics=self._metrics.for_function(config.name),
            provisioned=instruction.provisioned,
            slot=slot,
        )
