"""How many files the server may have open, and how many of them connections may take.

A shell gives 1024; without descriptors nothing is accepted, no function starts and health does not answer.
"""

import resource

from kit.edge_limits import EdgeLimits

_WANTED = 65_536  # 10,000 connections, 1,000 environments with a few descriptors each, and room
_LEAST_CONNECTIONS = 16


def raise_open_files() -> int:
    """Take what the machine allows, up to what we can use; the limit that then holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a lower limit of its own
            wanted = soft
    return wanted if soft == resource.RLIM_INFINITY else max(soft, wanted)


def connection_share(open_files: int, *, one_of: int) -> int:
    """Connections that a listener may have open: a share of the descriptors, within the edge's own bound."""
    return max(_LEAST_CONNECTIONS, min(EdgeLimits().connections, open_files // one_of))
