"""What this machine's size decides."""

import pytest

from lockgate.node import node_limits, unsent_share


@pytest.mark.parametrize(("memory_mb", "share_mb"), [(1024, 256), (4096, 256), (16_384, 1024)])
def test_answers_may_wait_in_a_sixteenth_of_the_memory(memory_mb: int, share_mb: int) -> None:
    assert unsent_share(memory_mb) == share_mb << 20


def test_slots_are_two_a_shape_unless_the_file_says_otherwise() -> None:
    assert [node_limits(memory_mb=1024, slots=slots).slots_per_shape for slots in (None, 0, 5)] == [2, 0, 5]
