"""A fleet with a clock of its own, checked after every event."""

from math import inf

from executor.core.events import (
    EnvironmentGone,
    EnvironmentStarted,
    Event,
    InvokeArrived,
    NextAsked,
    PoolLimits,
    ResponseEnded,
    ResponseStarted,
    RevisionAdded,
    Ticked,
)
from executor.core.fleet import Fleet, NodeLimits
from executor.core.instructions import Deliver, Instruction, StartEnvironment


class Scenario:
    """:ivar now: seconds; moves only by `wait`."""

    def __init__(self, **caps: int) -> None:
        self.fleet = Fleet(NodeLimits(**{"memory_mb": 10_000, **caps}))
        self.now = 100.0

    def wait(self, seconds: float) -> "Scenario":
        self.now += seconds
        return self

    def send(self, event: Event) -> list[Instruction]:
        out = self.fleet.handle(event, self.now)
        self.fleet.check(self.now)
        return out

    def tick(self, after: float = 0.0) -> list[Instruction]:
        self.now += after
        return self.send(Ticked())

    def add(self, revision: str = "r", **limits: object) -> list[Instruction]:
        values = {"function": revision, "memory_mb": 128, "timeout_s": 10.0, **limits}
        return self.send(RevisionAdded(revision, PoolLimits(**values)))  # type: ignore[arg-type]

    def invoke(self, inv_id: str, revision: str = "r", deadline: float = inf) -> list[Instruction]:
        return self.send(InvokeArrived(inv_id, revision, deadline))

    def starting(self, inv_id: str, revision: str = "r", deadline: float = inf) -> int:
        """An environment that this invocation made start; the driver has said that it exists."""
        (start,) = self.invoke(inv_id, revision, deadline)
        assert isinstance(start, StartEnvironment)
        self.send(EnvironmentStarted(start.env))
        return start.env

    def running(self, inv_id: str, revision: str = "r") -> int:
        """An environment that holds the invocation."""
        env = self.starting(inv_id, revision)
        (deliver,) = self.send(NextAsked(env))
        assert isinstance(deliver, Deliver)
        return env

    def responding(self, inv_id: str, revision: str = "r") -> int:
        env = self.running(inv_id, revision)
        assert self.send(ResponseStarted(env, inv_id)) == []
        return env

    def responded(self, inv_id: str, revision: str = "r") -> int:
        env = self.responding(inv_id, revision)
        self.send(ResponseEnded(env, inv_id, True))
        return env

    def idle(self, inv_id: str, revision: str = "r") -> int:
        env = self.responded(inv_id, revision)
        self.send(NextAsked(env))
        return env

    def stopping(self, inv_id: str, revision: str = "r") -> int:
        env = self.idle(inv_id, revision)
        self.tick(after=10_000.0)
        return env

    def gone(self, inv_id: str, revision: str = "r") -> int:
        env = self.stopping(inv_id, revision)
        self.send(EnvironmentGone(env))
        return env
