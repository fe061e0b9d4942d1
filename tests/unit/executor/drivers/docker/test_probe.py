"""What is concluded from what the probe container said."""

import pytest

from executor.drivers.docker.cgroup import CgroupPaths
from executor.drivers.docker.probe import ProbeFailed, Seen, judge
from executor.drivers.docker.workspace import Delivery

GROUPS = CgroupPaths(templates={"memory": "/g/{id}"}, unified=True)
SAID = "fifo\nmount / ro\ncode\ntask ro,nosuid,nodev\ntmp-writable\nend\n"


def seen(after: str = SAID, *, fifo: bool = True) -> Seen:
    return Seen(after=after, words="attached\n", fifo=fifo)


def test_everything_works() -> None:
    found = judge(seen(), GROUPS, disk=True, why_no_disk="", why_no_mounts="")
    assert (found.fifo, found.delivery, found.disk, found.cgroups) == (
        True,
        Delivery.PROPAGATED,
        True,
        GROUPS,
    )
    assert found.degraded == ()


@pytest.mark.parametrize("word", ["root-writable", "task-writable"])
def test_container_that_can_write_where_it_must_not_ends_the_start(word: str) -> None:
    """C1: functions would not be kept apart, so nothing runs at all."""
    with pytest.raises(ProbeFailed, match="read-only"):
        judge(seen(f"{SAID}{word}\n"), GROUPS, disk=True, why_no_disk="", why_no_mounts="")


def test_each_thing_that_is_lacking_has_its_sentence() -> None:
    found = judge(
        seen("fifo\nend\n", fifo=False),
        None,
        disk=False,
        why_no_disk="not permitted",
        why_no_mounts="not permitted",
    )
    assert (found.delivery, found.disk, found.cgroups, found.fifo) == (None, False, None, False)
    assert len(found.degraded) == 4
    assert all(sentence.endswith(".") for sentence in found.degraded)


def test_code_is_linked_where_nothing_can_be_mounted() -> None:
    found = judge(seen(), GROUPS, disk=False, why_no_disk="no", why_no_mounts="not permitted")
    assert found.delivery is Delivery.LINKED
    assert any("not permitted" in sentence for sentence in found.degraded)


def test_image_without_a_shell_is_said() -> None:
    said = Seen(words="[FATAL tini (1)] exec /bin/sh failed: No such file or directory\n")
    with pytest.raises(ProbeFailed, match=r"cannot run /bin/sh of its image: .* No such file"):
        judge(said, None, disk=True, why_no_disk="", why_no_mounts="")
