from executor.core.events import NextAsked
from executor.core.fleet import Fleet, NodeLimits
from executor.core.instructions import Deliver, Reject, RejectReason
from executor.core.shares import LocalLeases, Shares
from tests.support.fleet_scenario import Scenario


class FullElsewhere:
    """Leases of a function that other nodes have used up."""

    def __init__(self) -> None:
        self.given_back: list[str] = []

    def try_take(self, function: str, limit: int) -> bool:
        return False

    def give_back(self, function: str) -> None:
        self.given_back.append(function)


def test_what_is_reserved_is_kept_free_of_others() -> None:
    shares = Shares(3, LocalLeases())
    reserved, free = shares.join("reserved"), shares.join("free")
    shares.reserve(reserved, 2)
    assert [shares.take(free), shares.take(free)] == [None, RejectReason.CONCURRENCY]
    assert [shares.take(reserved) for _ in range(3)] == [None, None, RejectReason.RESERVED_CONCURRENCY]
    shares.release(free, leased=False)
    assert shares.take(free) is None


def test_more_reserved_than_there_is_does_not_exceed_the_node() -> None:
    shares = Shares(1, LocalLeases())
    share = shares.join("f")
    shares.reserve(share, 5)
    assert [shares.take(share), shares.take(share)] == [None, RejectReason.CONCURRENCY]


def test_a_reservation_counts_what_was_accepted_before_it() -> None:
    """C12: calls at once of one function; its twin comes when one is over."""
    leases = LocalLeases()
    shares = Shares(10, leases)
    share = shares.join("f")
    shares.take(share)
    shares.reserve(share, 1)
    assert shares.take(share) is RejectReason.RESERVED_CONCURRENCY
    shares.release(share, leased=False)
    assert shares.take(share) is None
    shares.reserve(share, None)
    assert (shares.unreserved, shares.reserved) == (1, 0)
    shares.release(share, leased=True)
    assert leases.taken == {}
    assert (shares.unreserved, shares.accepted) == (0, 0)


def test_a_function_is_forgotten_with_its_last_pool() -> None:
    shares = Shares(10, LocalLeases())
    share = shares.join("f")
    assert shares.join("f") is share
    shares.reserve(share, 4)
    shares.leave(share)
    assert shares.reserved == 4
    shares.leave(share)
    assert shares.reserved == 0
    assert shares.functions == {}


def test_local_leases_end_at_the_limit() -> None:
    leases = LocalLeases()
    assert [leases.try_take("f", 2) for _ in range(3)] == [True, True, False]
    leases.give_back("f")
    assert leases.try_take("f", 2)
    assert leases.try_take("g", 1)
    assert not leases.try_take("h", 0)


def test_leases_of_other_nodes_count() -> None:
    made = Scenario()
    leases = FullElsewhere()
    made.fleet = Fleet(NodeLimits(memory_mb=1000), leases)
    made.add(reserved=5)
    assert made.invoke("a") == [Reject("a", RejectReason.RESERVED_CONCURRENCY, 1.0)]
    assert leases.given_back == []


def test_revisions_of_one_function_share_its_reservation() -> None:
    made = Scenario()
    made.add("r1", function="f", reserved=1)
    made.add("r2", function="f", reserved=1)
    env = made.running("a", "r1")
    assert isinstance(made.invoke("b", "r2")[0], Reject)
    made.send(NextAsked(env))
    assert made.fleet.counts().accepted == 1
    assert not isinstance(made.invoke("c", "r1")[0], Deliver)
