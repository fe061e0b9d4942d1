"""The caps of the machine, and what is due for it as a whole."""

from math import inf
from typing import NamedTuple


class NodeLimits(NamedTuple):
    """Caps of the machine.

    :param memory_mb: over all environments, those being stopped included.
    :param max_starts: environments that may be STARTING at once.
    :param max_environments: over all pools, those being stopped included.
    :param concurrency: invocations accepted at once (the account limit).
    :param slots_per_shape: slots that are kept ready for each shape; 0 keeps none.
    :param max_slots: over all shapes, those being removed included.
    :param slot_memory_mb: what an unused slot counts for.
    """

    memory_mb: int
    max_starts: int = 10
    max_environments: int = 1000
    concurrency: int = 1000
    slots_per_shape: int = 2
    max_slots: int = 16
    slot_memory_mb: int = 64


class Alarm:
    """Something of the whole node that is due at a time: the end of draining, the next look at who waits."""

    __slots__ = ("armed_at", "deadline")

    def __init__(self) -> None:
        self.deadline = inf
        self.armed_at = inf
