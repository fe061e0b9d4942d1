"""What holds for all tests. In CI nothing may skip itself: a test that cannot run there has proved nothing."""

import os
from collections.abc import Iterator

import pytest

from tests.support.engine import engine as engine  # a fixture for every test below this folder

# What may lack without anything being wrong: another Python beside the one that runs the tests; what a driver does
# not have by its contract (the test has seen that it says so).
ALLOWED_IN_CI = ("there is no python", "this driver has no slots, and says so")

# How long hundreds of examples take depends on the machine and on what else it does; only one that hangs is over it.
PROPERTY_S = 120


@pytest.hookimpl(trylast=True)  # after hypothesis has marked what is its own
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("timeout") is not None:  # who names a time on the command line means it for all
        return
    for item in items:
        if item.get_closest_marker("hypothesis") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(PROPERTY_S))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(allowed in reason for allowed in ALLOWED_IN_CI):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} must not be skipped in CI: {reason}"
    return report
