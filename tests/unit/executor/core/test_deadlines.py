from math import inf

from hypothesis import given
from hypothesis import strategies as st

from executor.core.deadlines import Deadlines


class Item:
    def __init__(self) -> None:
        self.deadline = inf
        self.armed_at = inf


def test_nothing_is_due_when_nothing_is_armed() -> None:
    deadlines: Deadlines[Item] = Deadlines()
    assert deadlines.next_at() == inf
    assert deadlines.due(1e9) == []


def test_a_deadline_moved_later_is_due_only_then() -> None:
    deadlines, item = Deadlines[Item](), Item()
    deadlines.arm(item, 5.0)
    deadlines.arm(item, 9.0)
    assert deadlines.next_at() == 5.0
    assert deadlines.due(5.0) == []
    assert deadlines.next_at() == 9.0
    assert deadlines.due(9.0) == [item]


def test_a_deadline_moved_earlier_is_due_once() -> None:
    deadlines, item = Deadlines[Item](), Item()
    deadlines.arm(item, 9.0)
    deadlines.arm(item, 5.0)
    assert deadlines.due(5.0) == [item]
    item.deadline = inf
    assert deadlines.due(9.0) == []


def test_a_disarmed_item_can_be_armed_again() -> None:
    deadlines, item = Deadlines[Item](), Item()
    deadlines.arm(item, 5.0)
    item.deadline = inf
    assert deadlines.due(6.0) == []
    deadlines.arm(item, 7.0)
    assert deadlines.due(7.0) == [item]


def test_entries_of_what_is_over_are_swept() -> None:
    deadlines: Deadlines[Item] = Deadlines()
    for number in range(10_000):
        item = Item()
        deadlines.arm(item, 100.0 + number)
        item.deadline = inf
    assert len(deadlines) < 200


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 30))), max_size=200))
def test_due_is_what_a_list_of_deadlines_says(steps: list[tuple[int, int | None]]) -> None:
    """Arm or disarm (None) six items in turn, with the clock at each step one second later."""
    deadlines, items = Deadlines[Item](), [Item() for _ in range(6)]
    for now, (which, ahead) in enumerate(steps):
        due = deadlines.due(float(now))
        assert sorted(map(id, due)) == sorted(id(item) for item in items if item.deadline <= now)
        for item in due:
            item.deadline = inf
        if ahead is None:
            items[which].deadline = inf
        else:
            deadlines.arm(items[which], now + float(ahead))
        assert deadlines.next_at() <= min(item.deadline for item in items)


def test_a_sweep_drops_entries_that_earlier_ones_have_replaced() -> None:
    deadlines, item = Deadlines[Item](), Item()
    for at in range(1000, 0, -1):
        deadlines.arm(item, float(at))
    assert len(deadlines) < 200
    assert deadlines.due(1.0) == [item]
