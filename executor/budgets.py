"""When callers' patience ends: one timer for all of them, because nearly every call ends long before its own."""

import asyncio
from collections.abc import Callable
from math import inf

from executor.invocation import Invocation

LONGEST_LOOK_S = 30.0  # so that the timer does not outlive the last call by its budget, which may be minutes
_TICK_S = 0.001  # the loop's timers come in milliseconds; one may come a rounding error too early


class Budgets:
    """:param passed: called with each invocation whose budget has passed while its caller waits."""

    def __init__(self, passed: Callable[[Invocation], None]) -> None:
        self._passed = passed
        self._open: dict[Invocation, float] = {}
        self._armed_for = inf
        self._timer: asyncio.TimerHandle | None = None

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def begin(self, invocation: Invocation, budget_s: float) -> None:
        deadline = self._loop.time() + budget_s
        self._open[invocation] = deadline
        if deadline < self._armed_for:
            self._arm(min(deadline, deadline - budget_s + LONGEST_LOOK_S))

    def end(self, invocation: Invocation) -> None:
        """Its caller waits no longer. The timer stays, and finds what else is open when it comes."""
        del self._open[invocation]

    def close(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = -inf

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = at
        self._timer = self._loop.call_at(at, self._tick)

    def _tick(self) -> None:
        self._timer, self._armed_for = None, inf
        until = self._loop.time() + _TICK_S
        due = [invocation for invocation, deadline in self._open.items() if deadline <= until]
        later = min((deadline for deadline in self._open.values() if deadline > until), default=inf)
        if later < inf:
            self._arm(min(later, until + LONGEST_LOOK_S))
        for invocation in due:
            self._passed(invocation)
