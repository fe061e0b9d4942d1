"""From start to end: ready, answers, how ends are told, that nothing is left."""

import signal

import pytest

from tests.support.driver_world import DriverWorld


async def test_environment_asks_answers_and_goes(world: DriverWorld) -> None:
    environment = await world.start("print('imported')")
    assert await environment.does("result = [1, os.getcwd()]") == [1, "/var/task"]
    assert environment.number in world.driver.environments()
    world.driver.flush(environment.number)
    assert environment.output == "imported\n"
    await environment.stop()
    assert environment.number not in world.driver.environments()
    assert world.sink.exits == {}  # nothing is told of one that was stopped


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("os._exit(0)", {"code": 0}, id="exit-0"),
        pytest.param("os._exit(3)", {"code": 3}, id="exit-3"),
        pytest.param("os.abort()", {"signal": signal.SIGABRT}, id="abort"),
        pytest.param("os.kill(os.getpid(), 9)", {"signal": signal.SIGKILL}, id="killed"),
    ],
)
async def test_end_is_told_as_it_was(world: DriverWorld, code: str, expected: dict[str, int]) -> None:
    environment = await world.start()
    environment.dies_of(code)
    report = await environment.exit()
    assert {"code": report.code, "signal": report.signal} == {"code": None, "signal": None} | expected
    assert not report.out_of_memory
    await environment.stop()
    assert environment.number not in world.driver.environments()


async def test_memory_over_the_limit_is_out_of_memory(world: DriverWorld) -> None:
    """C1, C7: the kernel ends it, and the report says why."""
    environment = await world.start(memory_mb=128)
    assert await environment.does("result = len(bytearray(32 << 20))") == 32 << 20
    environment.dies_of("x = [bytearray(8 << 20) for _ in range(40)]")
    report = await environment.exit()
    assert (report.signal, report.out_of_memory) == (signal.SIGKILL, True)
    assert 64 <= world.driver.peak_memory_mb(environment.number) <= 128 + 64
