"""The caps of this machine, from ``server.limits`` and from what the machine has."""

import os
from pathlib import Path

from executor.core.fleet import NodeLimits
from kit.edge_limits import EdgeLimits

MAX_STARTS = 8  # in flight; more only makes each slower: a start is CPU
MAX_ENVIRONMENTS = 1000  # Lambda's default concurrency of an account
SLOTS = 2  # one is used and one stands by while it is refilled, which takes as long as a start
CONCURRENCY = 10_000  # accepted invocations, queued ones included: bounds memory when everything waits
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def machine_memory_mb() -> int:
    """Physical memory, or the container's limit where that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            memory = min(memory, int(text))
    return memory >> 20


def node_limits(
    *,
    memory_mb: int,
    environments: int | None = None,
    starts: int | None = None,
    slots: int | None = None,
) -> NodeLimits:
    """:param memory_mb: what all environments together may use. :param slots: kept ready for each shape."""
    return NodeLimits(
        memory_mb=memory_mb,
        max_starts=starts or MAX_STARTS,
        max_environments=environments or MAX_ENVIRONMENTS,
        concurrency=CONCURRENCY,
        slots_per_shape=SLOTS if slots is None else slots,
    )


def unsent_share(memory_mb: int) -> int:
    """Bytes of answers that may wait for slow readers: a sixteenth of the machine, and no less than the edge's own."""
    return max(EdgeLimits().unsent_bytes, (memory_mb << 20) // 16)
