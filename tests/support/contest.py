"""Functions that share a node, under steady load, in simulated time: who gets how much, and what the switches cost."""

from heapq import heappop, heappush
from math import inf
from random import Random
from typing import NamedTuple

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
from executor.core.instructions import Complete, Deliver, Outcome, StartEnvironment, StopEnvironment


class Load(NamedTuple):
    """Of one function: so many clients begin with it, and call again `think_s` after each answer.

    :param work_s: mean of what a call takes; the single times are spread exponentially.
    """

    clients: int
    work_s: float
    think_s: float = 0.0005
    memory_mb: int = 100


class Contest:
    """:param mixed: every client calls any function, else always its first one.
    :ivar answered: calls of each function. :ivar waited_s: the longest wait of each. :ivar starts: all of them."""

    def __init__(
        self, *loads: Load, memory_mb: int, start_s: float, mixed: bool = False, budget_s: float = 30.0
    ) -> None:
        self.fleet = Fleet(NodeLimits(memory_mb=memory_mb, max_starts=8))
        self.loads = {f"f{place}": load for place, load in enumerate(loads)}
        self.start_s = start_s
        self.budget_s = budget_s
        self.now = 0.0
        self.answered = dict.fromkeys(self.loads, 0)
        self.waited_s = dict.fromkeys(self.loads, 0.0)
        self.given_up = 0
        self.starts = 0
        self._mixed = mixed
        self._random = Random(7)
        self._calls: dict[str, tuple[str, float]] = {}
        self._revisions: dict[int, str] = {}
        self._due: list[tuple[float, int, Event | str]] = []
        self._count = 0
        for name, load in self.loads.items():
            self._send(RevisionAdded(name, PoolLimits(name, load.memory_mb, 60.0, stop_grace_s=0.0)))
            for client in range(load.clients):
                self._later(client * 0.0001, name)

    def run(self, seconds: float) -> "Contest":
        until = self.now + seconds
        while self._due or self.fleet.wake_at() < inf:
            wake_at = self.fleet.wake_at()
            at = min(wake_at, self._due[0][0] if self._due else inf)
            if at > until:
                break
            self.now = max(self.now, at)
            if wake_at <= at:
                self._send(Ticked())
            else:
                what = heappop(self._due)[2]
                if isinstance(what, str):
                    self._call(what)
                else:
                    self._send(what)
        self.fleet.check(self.now)
        self.now = until
        return self

    def _later(self, seconds: float, what: Event | str) -> None:
        self._count += 1
        heappush(self._due, (self.now + seconds, self._count, what))

    def _call(self, name: str) -> None:
        self._count += 1
        inv_id = f"i{self._count}"
        self._calls[inv_id] = name, self.now
        self._send(InvokeArrived(inv_id, name, self.now + self.budget_s))

    def _send(self, event: Event) -> None:
        for one in self.fleet.handle(event, self.now):
            if isinstance(one, Deliver):
                name, since = self._calls[one.inv_id]
                self.waited_s[name] = max(self.waited_s[name], self.now - since)
                work_s = self._random.expovariate(1 / self.loads[name].work_s)
                self._later(work_s, ResponseStarted(one.env, one.inv_id))
                self._later(work_s, ResponseEnded(one.env, one.inv_id, True))
                self._later(work_s, NextAsked(one.env))
            elif isinstance(one, StartEnvironment):
                self.starts += 1
                self._later(self.start_s / 2, EnvironmentStarted(one.env))
                self._later(self.start_s, NextAsked(one.env))
            elif isinstance(one, StopEnvironment):
                self._later(0.005, EnvironmentGone(one.env))
            elif isinstance(one, Complete):
                name, _ = self._calls.pop(one.inv_id)
                self.answered[name] += one.outcome is Outcome.SUCCESS
                self.given_up += one.outcome is Outcome.QUEUE_TIMEOUT
                following = self._random.choice([*self.loads]) if self._mixed else name
                self._later(self.loads[name].think_s, following)
