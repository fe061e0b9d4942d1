"""Who may have how many invocations at once: reserved concurrency by function, the rest shared.

An invocation counts from its acceptance (waiting and init included, as on Lambda) until its environment
asks for the next one. Source: Lambda Developer Guide, "Understanding Lambda function scaling".
"""

from typing import Protocol

from executor.core.instructions import RejectReason


class Leases(Protocol):
    """Reserved concurrency of a function over all nodes that run it. Synchronous: it is on the hot path."""

    def try_take(self, function: str, limit: int) -> bool:
        """Take one of `limit` leases of the function, if one is left."""
        ...

    def give_back(self, function: str) -> None: ...


class LocalLeases:
    """Leases where there is one node."""

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}

    def try_take(self, function: str, limit: int) -> bool:
        taken = self.taken.get(function, 0)
        if taken >= limit:
            return False
        self.taken[function] = taken + 1
        return True

    def give_back(self, function: str) -> None:
        left = self.taken[function] - 1
        if left:
            self.taken[function] = left
        else:
            del self.taken[function]


class Share:
    """One function's part: what it may have and what it has, over all its revisions."""

    __slots__ = ("accepted", "function", "pools", "reserved")

    def __init__(self, function: str) -> None:
        self.function = function
        self.reserved: int | None = None
        self.accepted = 0
        self.pools = 0

    def __repr__(self) -> str:
        return f"<Share {self.function} {self.accepted}/{self.reserved}>"


class Shares:
    """All functions' parts of this node's concurrency.

    :ivar accepted: invocations that count now.
    :ivar unreserved: those of them whose function has no reserved concurrency.
    :ivar reserved: sum of all reserved concurrency; it is kept free even when its functions rest.
    """

    __slots__ = ("_concurrency", "_leases", "accepted", "functions", "reserved", "unreserved")

    def __init__(self, concurrency: int, leases: Leases) -> None:
        self._concurrency = concurrency
        self._leases = leases
        self.functions: dict[str, Share] = {}
        self.accepted = 0
        self.unreserved = 0
        self.reserved = 0

    def join(self, function: str) -> Share:
        """Open one more pool of the function."""
        share = self.functions.get(function)
        if share is None:
            share = self.functions[function] = Share(function)
        share.pools += 1
        return share

    def leave(self, share: Share) -> None:
        """Close a pool; with its last one a function's reservation ends."""
        share.pools -= 1
        if share.pools == 0:
            self.reserve(share, None)
            del self.functions[share.function]

    def reserve(self, share: Share, reserved: int | None) -> None:
        """Replace a function's reservation; what it has already goes on."""
        if share.reserved is None:
            self.unreserved -= share.accepted
        else:
            self.reserved -= share.reserved
        share.reserved = reserved
        if reserved is None:
            self.unreserved += share.accepted
        else:
            self.reserved += reserved

    def take(self, share: Share) -> RejectReason | None:
        """Count one more invocation, or say why not. A lease is taken iff the function has a reservation."""
        limit = share.reserved
        if limit is None:
            if self.unreserved >= self._concurrency - self.reserved:
                return RejectReason.CONCURRENCY
            self.unreserved += 1
        else:
            if share.accepted >= limit:
                return RejectReason.RESERVED_CONCURRENCY
            if self.accepted >= self._concurrency:  # only if more is reserved than there is
                return RejectReason.CONCURRENCY
            if not self._leases.try_take(share.function, limit):
                return RejectReason.RESERVED_CONCURRENCY
        self.accepted += 1
        share.accepted += 1
        return None

    def release(self, share: Share, leased: bool) -> None:
        """:param leased: whether the function had a reservation when the invocation was accepted."""
        self.accepted -= 1
        share.accepted -= 1
        if share.reserved is None:
            self.unreserved -= 1
        if leased:
            self._leases.give_back(share.function)
