"""Containers that wait: nothing of a function runs before its limits hold, and it finds what it would find anyway."""

import pytest

from executor.driver import StartError, StartMode
from tests.support.driver_world import HANDLER, DriverWorld

MODES = {"warm": {}, "exec": {"environment": {"PYTHONHASHSEED": "1"}}}


@pytest.fixture
def slots(world: DriverWorld) -> DriverWorld:
    if not world.capabilities.slots:
        revision = world.revision(world.package({"app.py": HANDLER}))
        assert world.driver.start_mode(revision) is StartMode.DIRECT
        pytest.skip("this driver has no slots, and says so")
    return world


@pytest.mark.parametrize("mode", MODES)
async def test_slot_becomes_what_a_direct_start_would_be(slots: DriverWorld, mode: str) -> None:
    """Same variables, same files, same limits, same user rights; only the container is older."""
    revision = slots.revision(slots.package({"app.py": HANDLER}), memory_mb=192, **MODES[mode])
    assert slots.driver.start_mode(revision).value == mode
    slot = await slots.fill(revision)
    warm = await (await slots.specialise(slot, revision)).ready()
    direct = await (await slots.begin(revision)).ready()
    code = """
limits = [open(p).read().strip() for p in (
    "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes",
    "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/cpu/cpu.shares", "/sys/fs/cgroup/pids/pids.max",
) if os.path.exists(p)]
status = [l for l in open("/proc/self/status").read().splitlines() if l[:3] in ("Cap", "NoN", "Sec")]
result = [dict(os.environ), os.getcwd(), os.listdir("."), os.listdir("/tmp"), limits, status, sys.argv, sys.path]
"""
    assert await warm.does(code) == await direct.does(code)


async def test_code_in_a_slot_is_read_only_without_setuid_and_devices(slots: DriverWorld) -> None:
    """C1: the mount that arrives later is as tight as the one that was there."""
    revision = slots.revision(slots.package({"app.py": HANDLER}))
    environment = await (await slots.specialise(await slots.fill(revision), revision)).ready()
    points = await environment.does(
        "result = [l.split()[5] for l in open('/proc/self/mountinfo') if l.split()[4] == '/var/task']"
    )
    assert {"ro", "nosuid", "nodev"} <= set(points[-1].split(","))
    code = "try:\n  open('/var/task/x', 'w')\nexcept OSError as e:\n  result = e.errno"
    assert await environment.does(code) == 30  # EROFS


async def test_slot_waits_in_little_memory_and_grows(slots: DriverWorld) -> None:
    """C1: the small limit holds while it waits, the function's own when it runs."""
    revision = slots.revision(slots.package({"app.py": HANDLER}), memory_mb=512)
    environment = await (await slots.specialise(await slots.fill(revision), revision)).ready()
    assert await environment.does("result = len(bytearray(300 << 20))") == 300 << 20
    environment.dies_of("x = [bytearray(8 << 20) for _ in range(100)]")
    report = await environment.exit()
    assert report.out_of_memory


async def test_slot_that_ended_cannot_become_anything(slots: DriverWorld) -> None:
    revision = slots.revision(slots.package({"app.py": HANDLER}))
    slot = await slots.fill(revision)
    await slots.driver.stop(slot.number, 0)
    with pytest.raises(StartError):
        await slots.driver.specialise(slot.number, slots.spec(revision))
    assert slots.driver.environments() == frozenset()


async def test_slot_speaks_under_its_own_number_until_it_is_an_environment(slots: DriverWorld) -> None:
    revision = slots.revision(slots.package({"app.py": "print('imported')" + HANDLER}))
    slot = await slots.fill(revision)
    assert slots.driver.environments() == {slot.number}
    environment = await (await slots.specialise(slot, revision)).ready()
    assert slots.driver.environments() == {environment.number}
    slots.driver.flush(environment.number)
    assert (slot.output, environment.output) == ("", "imported\n")
    assert slots.driver.peak_memory_mb(environment.number) > 0
    await environment.stop()
    assert slots.driver.environments() == frozenset()


async def test_second_function_never_gets_a_used_slot(slots: DriverWorld) -> None:
    """C6"""
    revision = slots.revision(slots.package({"app.py": HANDLER}))
    environment = await slots.specialise(await slots.fill(revision), revision)
    with pytest.raises(StartError):
        await slots.driver.specialise(environment.number, slots.spec(revision))
    await environment.ready()


@pytest.mark.parametrize("how", ["slot", "direct"])
async def test_strict_processor_time_begins_when_the_function_is_ready(slots: DriverWorld, how: str) -> None:
    """C1: no quota while it is imported, then one CPU for 1769 MB."""
    path = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"
    code = f"import os\nquota = open({path!r}).read() if os.path.exists({path!r}) else None\n"
    code += "if quota is None:\n    quota = open('/sys/fs/cgroup/cpu.max').read().split()[0]\nquota = quota.strip()\n"
    handler = HANDLER.replace(
        '"context": context', '"context": context, "at_import": quota, "path": ' + repr(path)
    )
    revision = slots.revision(slots.package({"app.py": code + handler}), cpu="strict", memory_mb=1769)
    if how == "slot":
        environment = await slots.specialise(await slots.fill(revision), revision)
    else:
        environment = await slots.begin(revision)
    await environment.ready()
    assert await environment.does("result = at_import") in {"-1", "max"}
    now = "open(path if os.path.exists(path) else '/sys/fs/cgroup/cpu.max').read().split()[0]"
    await environment.until(now, "100000")
