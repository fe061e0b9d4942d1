"""What the fleet tells the shell to do, in order; what the instructions lead to comes back as events."""

from enum import Enum
from typing import NamedTuple


class Outcome(Enum):
    """How an accepted invocation ended."""

    SUCCESS = "success"
    FUNCTION_ERROR = "function_error"
    TRUNCATED = "truncated"
    CANCELLED = "cancelled"
    QUEUE_TIMEOUT = "queue_timeout"
    SHUTTING_DOWN = "shutting_down"


class RejectReason(Enum):
    """Why an invocation was never accepted. Values are Lambda's ThrottleReason words where it has one."""

    RESERVED_CONCURRENCY = "ReservedFunctionConcurrentInvocationLimitExceeded"
    CONCURRENCY = "ConcurrentInvocationLimitExceeded"
    QUEUE_FULL = "QueueFull"
    UNKNOWN_REVISION = "UnknownRevision"
    DRAINING = "Draining"


class PlatformFault(Enum):
    """Errors that the fleet itself finds; the shell renders them in Lambda's words."""

    TIMED_OUT = "Sandbox.Timedout"
    INIT_TIMED_OUT = "Sandbox.InitTimedout"
    START_TIMED_OUT = "Sandbox.StartTimedout"
    VANISHED = "Sandbox.Vanished"


class Phase(Enum):
    INIT = "init"
    INVOKE = "invoke"


class MeterStatus(Enum):
    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"


class RefuseReason(Enum):
    INVALID_REQUEST_ID = "InvalidRequestID"
    INVALID_STATE = "InvalidStateTransition"
    UNKNOWN_ENVIRONMENT = "UnknownEnvironment"


class Deliver(NamedTuple):
    """Write the event into the environment's pending ``next``. `deadline` is on the monotonic clock."""

    env: int
    inv_id: str
    deadline: float
    thaw: bool = False


class StartEnvironment(NamedTuple):
    """:param provisioned: it is one of those that are kept initialised."""

    env: int
    revision: str
    phase: Phase
    provisioned: bool = False


class SpecializeSlot(NamedTuple):
    """Make the environment of a ready slot: the same as StartEnvironment in all that follows.

    The slot's number is never used again; what is said of it from now on is said of the environment.
    """

    slot: int
    env: int
    revision: str
    phase: Phase
    provisioned: bool = False


class FillSlot(NamedTuple):
    """Make a generic environment. :param shape: a `PoolLimits.shape`."""

    slot: int
    shape: str


class DropSlot(NamedTuple):
    """Remove a slot that was not used. Idempotent; may come again; ends in SlotGone."""

    slot: int


class StopEnvironment(NamedTuple):
    """Idempotent; ends in EnvironmentGone. The shell closes the channel first: nothing is heard after."""

    env: int
    grace_s: float
    reason: str


class Complete(NamedTuple):
    """`detail` is the error object of the event, a `PlatformFault`, or None."""

    inv_id: str
    outcome: Outcome
    detail: object = None


class Reject(NamedTuple):
    inv_id: str
    reason: RejectReason
    retry_after_s: float


class Meter(NamedTuple):
    """One delivered invocation is over. `init_s` is the cold start's init time, None on a warm call."""

    inv_id: str
    env: int
    started: float
    ended: float
    status: MeterStatus
    init_s: float | None


class Refuse(NamedTuple):
    """:param env: number of the environment or slot whose channel it was."""

    env: int
    why: RefuseReason


class ClosePool(NamedTuple):
    revision: str


Instruction = (
    Deliver
    | StartEnvironment
    | SpecializeSlot
    | StopEnvironment
    | FillSlot
    | DropSlot
    | Complete
    | Reject
    | Meter
    | Refuse
    | ClosePool
)
