"""Callers first: what is made ahead waits while a slot becomes what somebody waits for.

A container in the making keeps a core busy for 200 ms; begun in the same moment, it made a start from a slot take 10 ms
instead of 3. State: the starts from slots that are under way.
"""

import asyncio
from collections.abc import Callable

# A function that imports for longer has the processor to share: else nothing would be made ahead meanwhile.
LONGEST_S = 0.25


class Precedence:
    """:param now: seconds on the loop's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[int, float] = {}
        self._changed = asyncio.Event()

    def begin(self, environment: int) -> None:
        """From now on `clear` waits for it, for `LONGEST_S` at most."""
        self._until[environment] = self._now() + LONGEST_S

    def end(self, environment: int) -> None:
        """It is ready, or will never be. Idempotent."""
        if self._until.pop(environment, None) is not None:
            self._changed.set()

    async def clear(self) -> None:
        """Return when nobody has precedence."""
        while self._until:
            environment, until = min(self._until.items(), key=lambda item: item[1])
            self._changed.clear()
            try:
                async with asyncio.timeout(max(0.0, until - self._now())):
                    await self._changed.wait()
            except TimeoutError:
                self.end(environment)
