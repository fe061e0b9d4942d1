"""How the engine's exit codes are read."""

import pytest

from executor.driver import ExitReport
from executor.drivers.docker.container import read_exit


@pytest.mark.parametrize(
    ("code", "oom", "expected"),
    [
        pytest.param(0, False, ExitReport(code=0), id="ended"),
        pytest.param(3, False, ExitReport(code=3), id="failed"),
        pytest.param(127, False, ExitReport(code=127), id="no-program"),
        pytest.param(128, False, ExitReport(code=128), id="no-signal"),
        pytest.param(139, False, ExitReport(signal=11), id="segfault"),
        pytest.param(137, False, ExitReport(signal=9), id="killed"),
        pytest.param(137, True, ExitReport(signal=9, out_of_memory=True), id="out-of-memory"),
        pytest.param(1, True, ExitReport(code=1), id="a-child-was-killed-for-memory"),
        pytest.param(255, False, ExitReport(code=255), id="exit-255"),
        pytest.param(None, False, ExitReport(), id="vanished"),
    ],
)
def test_exit_codes(code: int | None, oom: bool, expected: ExitReport) -> None:
    assert read_exit(code, out_of_memory=oom) == expected
