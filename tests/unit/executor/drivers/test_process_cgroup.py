"""Where groups are made and what is written into them, on plain files; the driver's tests have real ones."""

import os
from pathlib import Path

import pytest

from executor.drivers.process import cgroup
from executor.drivers.process.cgroup import Cgroups, Limits, cpu_shares, cpu_weight, open_cgroups

LIMITS = Limits(memory_mb=1769, total_mb=2281)


def _version_1(root: Path) -> str:
    lines = []
    for controller in ("memory", "pids", "cpu"):
        (root / controller).mkdir()
        lines.append(f"31 23 0:29 / {root / controller} rw,relatime - cgroup cgroup rw,{controller}")
    return "\n".join(["22 1 8:1 / / rw - ext4 /dev/sda rw", *lines])


def _version_2(root: Path, own: Path, controllers: str) -> str:
    own.mkdir(parents=True, exist_ok=True)
    for folder in {root, own}:
        (folder / "cgroup.controllers").write_text(controllers)
        (folder / "cgroup.subtree_control").write_text("")
    return f"31 23 0:29 / {root} rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate"


@pytest.fixture(autouse=True)
def _files_like_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new group has its files at once, and they go with it."""
    mkdir, rmdir = Path.mkdir, Path.rmdir

    def make(folder: Path, *args: object, **kwargs: object) -> None:
        mkdir(folder, *args, **kwargs)  # type: ignore[arg-type]
        for name in ("tasks", "cgroup.procs", "memory.peak", "memory.max_usage_in_bytes"):
            (folder / name).touch()

    def remove(folder: Path) -> None:
        for file in folder.iterdir():
            if file.is_file():
                file.unlink()
        rmdir(folder)

    monkeypatch.setattr(Path, "mkdir", make)
    monkeypatch.setattr(Path, "rmdir", remove)


def _written(folder: Path) -> dict[str, str]:
    return {
        file.name: file.read_text() for file in folder.iterdir() if file.is_file() and file.stat().st_size
    }


def test_version_1_limits_in_each_hierarchy(tmp_path: Path) -> None:
    groups, why = open_cgroups("0000abcd", 3, mounts=_version_1(tmp_path), own="")
    assert groups is not None, why
    group = groups.create(7, LIMITS)
    folder = Path("lockgate/0000abcd/3.7")
    assert _written(tmp_path / "memory" / folder) == {
        "memory.limit_in_bytes": str(2281 << 20),
        "memory.memsw.limit_in_bytes": str(2281 << 20),
    }
    assert _written(tmp_path / "pids" / folder) == {"pids.max": "1024"}
    assert _written(tmp_path / "cpu" / folder) == {"cpu.shares": "1024"}
    joins = group.open_join()
    names = [os.readlink(f"/proc/self/fd/{fd}") for fd in joins]
    assert names == [str(tmp_path / name / folder / "tasks") for name in ("memory", "pids", "cpu")]
    for fd in joins:
        os.close(fd)
    group.close()


def test_version_2_is_below_our_own_group(tmp_path: Path) -> None:
    own = tmp_path / "user.slice" / "lockgate.service"
    mounts = _version_2(tmp_path, own, "cpu memory pids")
    groups, why = open_cgroups("0000abcd", 3, mounts=mounts, own="0::/user.slice/lockgate.service")
    assert groups is not None, why
    assert groups.unified
    group = groups.create(7, LIMITS)
    assert (own / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert (own / "lockgate" / "0000abcd" / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert _written(own / "lockgate" / "0000abcd" / "3.7") == {
        "memory.max": str(2281 << 20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "1024",
        "cpu.weight": "100",
    }
    group.close()


def test_version_2_without_memory_is_no_place(tmp_path: Path) -> None:
    mounts = _version_2(tmp_path, tmp_path, "cpu pids")
    assert open_cgroups("0000abcd", 3, mounts=mounts, own="0::/") == (None, "no memory controller is mounted")


def test_place_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = _version_1(tmp_path)

    def refuse(file: Path, value: object) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(cgroup, "_put", refuse)
    groups, why = open_cgroups("0000abcd", 3, mounts=mounts, own="")
    assert groups is None
    assert why.startswith("Permission denied at ")


def test_server_moves_aside_where_its_group_may_have_no_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = _version_2(tmp_path, tmp_path, "memory")
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n")
    put = cgroup._put

    def busy(file: Path, value: int | str) -> None:
        alone = (tmp_path / "lockgate-server" / "cgroup.procs").exists()
        if file == tmp_path / "cgroup.subtree_control" and not alone:
            raise OSError(16, "Device or resource busy", str(file))
        put(file, value)

    monkeypatch.setattr(cgroup, "_put", busy)
    groups, why = open_cgroups("0000abcd", 3, mounts=mounts, own="0::/")
    assert groups is not None, why
    assert (tmp_path / "lockgate-server" / "cgroup.procs").read_text() == str(os.getpid())


@pytest.mark.parametrize(("unified", "file"), [(True, "memory.events"), (False, "memory.oom_control")])
def test_out_of_memory_is_read_from_the_group(tmp_path: Path, unified: bool, file: str) -> None:
    groups = Cgroups({"memory": tmp_path}, epoch=1, unified=unified)
    group = groups.create(1, LIMITS)
    (tmp_path / "1.1" / file).write_text("low 0\noom 4\noom_kill 2\n")
    (tmp_path / "1.1" / ("memory.peak" if unified else "memory.max_usage_in_bytes")).write_text("1048577\n")
    assert group.oom_kills() == 2
    assert group.peak_mb() == 2
    group.close()
    assert group.peak_mb() == 0


async def test_removal_kills_who_is_left_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = Cgroups({"memory": tmp_path}, epoch=1, unified=True).create(1, LIMITS)
    (tmp_path / "1.1" / "cgroup.procs").write_text(f"0\n1\n{os.getpid()}\n4194305\n")
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append(pid))
    remove = Path.rmdir
    tries = iter([False, False, True])

    def rmdir(folder: Path) -> None:
        if not next(tries):
            raise OSError(16, "Device or resource busy")
        remove(folder)

    monkeypatch.setattr(Path, "rmdir", rmdir)
    assert await group.remove()
    assert killed == [4194305, 4194305]  # never 0 (our own group), 1 or ourselves
    assert not (tmp_path / "1.1").exists()


@pytest.mark.parametrize(
    ("memory_mb", "shares", "weight"), [(128, 74, 7), (1769, 1024, 100), (10240, 5927, 578), (1, 2, 1)]
)
def test_share_of_the_cpu_follows_memory(memory_mb: int, shares: int, weight: int) -> None:
    assert (cpu_shares(memory_mb), cpu_weight(memory_mb)) == (shares, weight)
