"""What environments print: whole, in order, also when they crash, and never a reason to stand still."""

from tests.support.driver_world import DriverWorld


async def test_output_is_whole_after_a_crash(world: DriverWorld) -> None:
    environment = await world.start()
    environment.dies_of("""
import ctypes
for number in range(2000):
    print("line", number)
sys.stdout.flush()
ctypes.string_at(0)
""")
    assert (await environment.exit()).signal == 11
    assert environment.output.splitlines()[:2000] == [f"line {number}" for number in range(2000)]


async def test_stdout_and_stderr_keep_their_order(world: DriverWorld) -> None:
    environment = await world.start()
    await environment.does("""
for number in range(200):
    os.write(1 + number % 2, b"%d\\n" % number)
""")
    world.driver.flush(environment.number)
    assert environment.output.split() == [str(number) for number in range(200)]


async def test_what_was_printed_before_an_answer_is_there_after_flush(world: DriverWorld) -> None:
    environment = await world.start()
    for number in range(20):
        await environment.does(f"print('call {number}')")
        world.driver.flush(environment.number)
        assert environment.output.splitlines()[-1] == f"call {number}"


async def test_children_print_too(world: DriverWorld) -> None:
    environment = await world.start()
    await environment.does("os.system('echo child; echo child >&2')")
    world.driver.flush(environment.number)
    assert environment.output.split() == ["child", "child"]


async def test_much_output_stalls_nobody(world: DriverWorld) -> None:
    """L5, C7: more than any pipe holds; the function goes on because we read."""
    world.sink.keeps_output = False
    environment = await world.start()
    assert (
        await environment.does("""
line = b"x" * 1023 + b"\\n"
for _ in range(20_000):
    os.write(1, line)
result = "done"
""")
        == "done"
    )
    world.driver.flush(environment.number)
    assert world.sink.printed_bytes == 20_000 << 10


async def test_init_error_is_posted_and_the_end_told(world: DriverWorld) -> None:
    environment = await world.launch("raise ValueError('at import')")
    report = await environment.exit()
    assert report.code == 1
    assert b'"errorType": "ValueError"' in world.sink.init_errors[environment.number].body
    assert "at import" in environment.output
