"""Limits by file, on folders that look like the kernel's. That limits hold is shown in real containers."""

from pathlib import Path

import pytest

from executor.drivers.docker.cgroup import CgroupPaths, LimitsNotHeld, templates

ID = "ab" * 32
MIB = 1 << 20
V1_MOUNTS = """\
30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
V1_OWN = f"""\
9:memory:/docker/{ID}
4:cpu,cpuacct:/docker/{ID}
1:name=systemd:/docker/{ID}
0::/
"""


def test_version_1_has_a_folder_for_each_controller() -> None:
    found, unified = templates(V1_OWN, V1_MOUNTS, ID)
    assert not unified
    assert found == {
        "memory": "/sys/fs/cgroup/memory/docker/{id}",
        "cpu": "/sys/fs/cgroup/cpu,cpuacct/docker/{id}",
    }


def test_version_2_has_one_folder(tmp_path: Path) -> None:
    scope = tmp_path / "system.slice" / f"docker-{ID}.scope"
    scope.mkdir(parents=True)
    (scope / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    mounts = f"30 25 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw,nsdelegate\n"
    found, unified = templates(f"0::/system.slice/docker-{ID}.scope\n", mounts, ID)
    assert unified
    assert found == dict.fromkeys(("memory", "cpu", "pids"), f"{tmp_path}/system.slice/docker-{{id}}.scope")


def test_group_of_another_namespace_is_not_taken(tmp_path: Path) -> None:
    """A process in a container sees ``/`` for every container's group: writing there would limit itself."""
    assert templates("0::/\n", f"30 25 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw\n", ID) == ({}, False)


@pytest.fixture
def version_1(tmp_path: Path) -> CgroupPaths:
    for controller, files in {
        "memory": {
            "memory.limit_in_bytes": 128 * MIB,
            "memory.memsw.limit_in_bytes": 128 * MIB,
            "memory.max_usage_in_bytes": 20 * MIB,
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0",
        },
        "cpu": {"cpu.shares": 74, "cpu.cfs_quota_us": -1, "cpu.cfs_period_us": 100_000},
    }.items():
        folder = tmp_path / controller / ID
        folder.mkdir(parents=True)
        for name, value in files.items():
            (folder / name).write_text(str(value))
    paths = {name: f"{tmp_path}/{name}/{{id}}" for name in ("memory", "cpu")}
    return CgroupPaths(templates=paths, unified=False)


def test_limits_of_version_1(version_1: CgroupPaths, tmp_path: Path) -> None:
    group = version_1.group(ID)
    assert group is not None
    group.limit_memory(512 * MIB)
    group.weigh_cpu(1769)
    group.limit_cpu(28_000)
    memory, cpu = tmp_path / "memory" / ID, tmp_path / "cpu" / ID
    assert (memory / "memory.limit_in_bytes").read_text() == str(512 * MIB)
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == str(512 * MIB)
    assert (cpu / "cpu.shares").read_text() == "1024"
    assert (cpu / "cpu.cfs_quota_us").read_text() == "28000"
    assert group.peak_mb() == 20
    group.close()


def test_limits_of_version_2(tmp_path: Path) -> None:
    folder = tmp_path / ID
    folder.mkdir()
    for name, value in {
        "memory.max": 128 * MIB,
        "memory.swap.max": "max",
        "cpu.weight": 7,
        "cpu.max": "max",
    }.items():
        (folder / name).write_text(str(value))
    paths = CgroupPaths(templates=dict.fromkeys(("memory", "cpu"), f"{tmp_path}/{{id}}"), unified=True)
    group = paths.group(ID)
    assert group is not None
    group.limit_memory(256 * MIB)
    group.weigh_cpu(1769)
    group.limit_cpu(14_471)
    assert (folder / "memory.max").read_text() == str(256 * MIB)
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "cpu.weight").read_text() == "100"
    assert (folder / "cpu.max").read_text() == "14471 100000"
    group.close()


def test_limit_that_does_not_hold_is_an_error(version_1: CgroupPaths, tmp_path: Path) -> None:
    """C1: what the file says afterwards decides, not that it could be written."""
    group = version_1.group(ID)
    assert group is not None
    group.check_memory(128 * MIB)
    group.check_memory(128 * MIB + 4095)  # the kernel rounds down to pages
    for other in (64 * MIB, 256 * MIB):
        with pytest.raises(LimitsNotHeld, match="reads back"):
            group.check_memory(other)
    group.close()


def test_no_group_is_none(version_1: CgroupPaths) -> None:
    assert version_1.group("cd" * 32) is None
