"""Processes that run for months load no library that only commands need: it would cost each of them megabytes."""

import subprocess
import sys

import pytest

ONLY_COMMANDS = {"httpx", "rich", "pygments", "docker", "requests"}


@pytest.mark.parametrize("module", ["lockgate.executor_process", "lockgate.edge_process"])
def test_serving_process_starts_without_the_libraries_of_commands(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not ONLY_COMMANDS & set(loaded.stdout.split())
    assert module in loaded.stdout.split()
