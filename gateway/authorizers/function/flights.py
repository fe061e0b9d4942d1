"""One call for all who wait for the same answer. It ends when the last of them has gone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("task", "waiting")

    def __init__(self, task: "asyncio.Task[T]") -> None:
        self.task = task
        self.waiting = 0


class Flights(Generic[T]):
    """:param name: of the tasks, for who looks at them. Each task ends by itself or with its last waiter."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._flights: dict[bytes, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def join(self, key: bytes, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the call of *key*; the first to ask starts it.

        A waiter that is cancelled leaves the others their call.
        """
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.create_task(start(), name=self._name)
            flight = self._flights[key] = _Flight(task)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            # Gone from the table at once: who asks from now on starts anew, and joins no call that is being cancelled.
            if (flight.task.done() or not flight.waiting) and self._flights.get(key) is flight:
                del self._flights[key]
            if not flight.waiting:
                flight.task.cancel()
