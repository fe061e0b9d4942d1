"""The fleet: all pools and environments of one executor, as a pure state machine.

`Fleet.handle` takes what happened and returns what is to be done; it never waits, reads a clock or fails.
An event that is out of place is refused (where a runtime is there to be told) or ignored.
"""

from collections.abc import Callable
from typing import Any

from executor.core import calls, invariants, supply
from executor.core.counts import FleetCounts, PoolCounts
from executor.core.events import (
    CallerGone,
    DeliveryFailed,
    EngineListed,
    EnvironmentExited,
    EnvironmentGone,
    EnvironmentStarted,
    ErrorPosted,
    Event,
    InitErrorPosted,
    InvokeArrived,
    LimitsChanged,
    NextAsked,
    ResponseEnded,
    ResponseStarted,
    RevisionAdded,
    RevisionRetired,
    ShutdownBegan,
    SlotFailed,
    SlotGone,
    SlotReady,
    StartFailed,
    Ticked,
)
from executor.core.instructions import Instruction
from executor.core.limits import NodeLimits
from executor.core.node import Node
from executor.core.overdue import run_overdue
from executor.core.settle import settle
from executor.core.shares import Leases, LocalLeases

__all__ = ["Fleet", "Leases", "LocalLeases", "NodeLimits"]

# Any: mypy cannot say that each handler takes the type that is its key.
_HANDLERS: dict[type, Callable[[Node, Any], None]] = {
    InvokeArrived: calls.invoke_arrived,
    CallerGone: calls.caller_gone,
    NextAsked: calls.next_asked,
    ResponseStarted: calls.response_started,
    ResponseEnded: calls.response_ended,
    ErrorPosted: calls.error_posted,
    InitErrorPosted: calls.init_error_posted,
    DeliveryFailed: calls.delivery_failed,
    EnvironmentStarted: supply.environment_started,
    StartFailed: supply.start_failed,
    EnvironmentExited: supply.environment_exited,
    EnvironmentGone: supply.environment_gone,
    SlotReady: supply.slot_ready,
    SlotFailed: supply.slot_failed,
    SlotGone: supply.slot_gone,
    EngineListed: supply.engine_listed,
    RevisionAdded: supply.revision_added,
    LimitsChanged: supply.limits_changed,
    RevisionRetired: supply.revision_retired,
    ShutdownBegan: supply.shutdown_began,
    Ticked: lambda node, _: run_overdue(node),
}


class Fleet:
    def __init__(self, node: NodeLimits, leases: Leases | None = None) -> None:
        self._node = Node(node, LocalLeases() if leases is None else leases)

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take in one event; the instructions are to be performed in their order.

        :param now: seconds on the monotonic clock; equal times are fine.
        """
        node = self._node
        node.now = now
        out: list[Instruction] = []
        node.out = out
        _HANDLERS[type(event)](node, event)
        if node.dirty:
            settle(node)
        return out

    def wake_at(self) -> float:
        """When to send `Ticked` next; inf when nothing is due. It may be early, it is never late."""
        return self._node.deadlines.next_at()

    def check(self, now: float) -> None:
        """Compare every counter with what it counts. :raises BrokenInvariant:"""
        invariants.check(self._node, now)

    def counts(self) -> FleetCounts:
        return FleetCounts.of(self._node)

    def pool_counts(self, revision: str) -> PoolCounts | None:
        """None for a revision that has no pool."""
        pool = self._node.pools.get(revision)
        return None if pool is None else PoolCounts.of(pool, self._node.now)
