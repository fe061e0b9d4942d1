"""The variables of containers, and the command that takes away what nobody declared."""

import subprocess
from pathlib import Path

from executor.driver import ChannelAddress, ChannelKind
from executor.drivers.docker.variables import (
    exact_command,
    image_variables,
    managed_variables,
    runtime_api_variables,
    socket_variables,
)
from executor.revision import FunctionConfig

CONFIG = FunctionConfig(name="f", runtime="python3.12", handler="a.b", volumes={"DATA": "/srv/data"})


def test_functions_own_variables_win_over_defaults_but_not_over_ours() -> None:
    """C9"""
    found = managed_variables(
        {"PATH": "/mine", "LAMBDA_TASK_ROOT": "/elsewhere", "AWS_LAMBDA_RUNTIME_API": "evil:1", "DATA": "x"},
        language={"SHLVL": "0"},
        config=CONFIG,
        runtime_api=socket_variables(),
    )
    assert found["PATH"] == "/mine"
    assert found["LAMBDA_TASK_ROOT"] == "/var/task"
    assert found["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:0"
    assert found["LOCKGATE_RUNTIME_SOCKET"] == "/run/lockgate/channel/api.sock"
    assert found["DATA"] == "/mnt/DATA"
    assert found["SHLVL"] == "0"


def test_host_channel_is_told_by_its_secret_name() -> None:
    channel = ChannelAddress(kind=ChannelKind.HOST, host="00ff.runtime", port=9001)
    assert runtime_api_variables(channel) == {"AWS_LAMBDA_RUNTIME_API": "00ff.runtime:9001"}


def test_images_keep_their_own_path() -> None:
    found = image_variables({"A": "1"}, config=CONFIG, handler="app.handler", runtime_api={"X": "y"})
    assert (found["_HANDLER"], found["A"], found["X"]) == ("app.handler", "1", "y")
    assert {"PATH", "LD_LIBRARY_PATH", "LANG"}.isdisjoint(found)


def test_command_leaves_exactly_what_was_declared() -> None:
    """C9: run by a real shell, with what engines and images add."""
    declared = {"MINE": "a b'c", "PATH": "/usr/bin:/bin", "PWD": "/"}
    added = {"HOME": "/", "HOSTNAME": "sandbox", "PYTHON_VERSION": "3.13", "1BAD": "x"}
    command = exact_command(["/usr/bin/env", "-0"], declared, added, to_fifo=False)
    run = subprocess.run(command, env=declared | added, capture_output=True, cwd="/", check=True)
    seen = dict(text.split("=", 1) for text in run.stdout.decode().split("\0") if text)
    seen.pop("_", None)  # a shell that is bash tells its child how it was called
    seen.pop("1BAD", None)  # no shell can take this one away
    assert seen == declared


def test_arguments_are_passed_as_they_are() -> None:
    words = ["/bin/echo", "a b", "$(id)", "'", "*"]
    run = subprocess.run(exact_command(words, {}, (), to_fifo=False), capture_output=True, check=True)
    assert run.stdout == b"a b $(id) ' *\n"


def test_output_goes_to_the_fifo_when_told_to() -> None:
    script = exact_command(["x"], {}, (), to_fifo=True)[2]
    assert script.endswith('exec "$@" >/run/lockgate/channel/output 2>&1')
    assert not Path("/run/lockgate/channel/output").exists()


def test_a_program_waits_at_the_gate_before_it_is_executed() -> None:
    script = exact_command(["x"], {}, (), to_fifo=True, gated=True)[2]
    assert script.startswith("(read -r line </run/lockgate/channel/gate); unset ")
