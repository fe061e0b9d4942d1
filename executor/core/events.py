"""What can happen to the fleet. Each is a past-tense fact, brought in by the shell.

Plain tuples, because four of them are made for every warm call. Environments' and slots' numbers are given
out by the fleet, from one count; invocation ids, revisions and errors come from the shell and are opaque here.
Times are seconds on the monotonic clock.
"""

from typing import NamedTuple


class PoolLimits(NamedTuple):
    """The limits of one revision's pool, replaced whole by `LimitsChanged`.

    :param reserved: the function's reserved concurrency over all its revisions; None shares the rest.
    :param max_queue: invocations that may wait here.
    :param max_uses: invocations after which an environment is replaced; None is without end.
    :param max_age_s: age after which an idle environment is not used again; None is without end.
    :param shape: key of the slots that can become its environments; None: each is made for it alone.
    """

    function: str
    memory_mb: int
    timeout_s: float
    init_timeout_s: float = 10.0
    start_timeout_s: float = 30.0
    idle_timeout_s: float = 300.0
    stop_grace_s: float = 2.0
    max_queue: int = 1000
    max_environments: int = 1000
    reserved: int | None = None
    provisioned: int = 0
    max_uses: int | None = None
    max_age_s: float | None = None
    shape: str | None = None


class InvokeArrived(NamedTuple):
    inv_id: str
    revision: str
    queue_deadline: float
    streaming: bool = False


class CallerGone(NamedTuple):
    inv_id: str


class NextAsked(NamedTuple):
    env: int


class ResponseStarted(NamedTuple):
    env: int
    inv_id: str


class ResponseEnded(NamedTuple):
    env: int
    inv_id: str
    ok: bool


class ErrorPosted(NamedTuple):
    env: int
    inv_id: str
    error: object


class InitErrorPosted(NamedTuple):
    env: int
    error: object


class DeliveryFailed(NamedTuple):
    env: int
    inv_id: str


class EnvironmentStarted(NamedTuple):
    """:param at: when it came to be; None is now. The word of it may be heard later than that."""

    env: int
    at: float | None = None


class StartFailed(NamedTuple):
    env: int
    error: object
    permanent: bool


class EnvironmentExited(NamedTuple):
    """:param lost: it was killed or removed, and nothing says that the function was the reason."""

    env: int
    error: object
    lost: bool = False


class EnvironmentGone(NamedTuple):
    env: int


class SlotReady(NamedTuple):
    """Its bootstrap waits for a function."""

    slot: int


class SlotFailed(NamedTuple):
    """It could not be made, or it died before it was used; it is still to be removed."""

    slot: int


class SlotGone(NamedTuple):
    """The driver has nothing of it any more."""

    slot: int


class EngineListed(NamedTuple):
    """What the engine has now, slots included.

    `asked_at` is when the question was sent: what is younger is not judged.
    """

    envs: frozenset[int]
    asked_at: float


class RevisionAdded(NamedTuple):
    revision: str
    limits: PoolLimits


class LimitsChanged(NamedTuple):
    revision: str
    limits: PoolLimits


class RevisionRetired(NamedTuple):
    revision: str


class ShutdownBegan(NamedTuple):
    deadline: float


class Ticked(NamedTuple):
    pass


Event = (
    InvokeArrived
    | CallerGone
    | NextAsked
    | ResponseStarted
    | ResponseEnded
    | ErrorPosted
    | InitErrorPosted
    | DeliveryFailed
    | EnvironmentStarted
    | StartFailed
    | EnvironmentExited
    | EnvironmentGone
    | SlotReady
    | SlotFailed
    | SlotGone
    | EngineListed
    | RevisionAdded
    | LimitsChanged
    | RevisionRetired
    | ShutdownBegan
    | Ticked
)
