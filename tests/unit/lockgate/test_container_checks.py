"""What a function's entry says of its container, by the one thing that is wrong with it."""

import os
from pathlib import Path

import pytest

from lockgate.config.loader import load_bytes

FILE = """\
version: 1
functions:
  {name}: {{image: "r:4", network: {{join: [{join}], allow: ["{allow}"]}}}}
routes: {{GET /: {{public: true, function: {name}}}}}
"""


def problems(
    folder: Path, *, name: str = "notes", join: str = "db-net", allow: str = "10.0.0.5:1"
) -> list[str]:
    data = FILE.format(name=name, join=join, allow=allow).encode()
    return [problem.code for problem in load_bytes(data, folder / "routes.yaml", os.environ).problems]


@pytest.mark.parametrize("network", ["host", "bridge", "none", "default", "ingress"])
def test_networks_of_the_engine_itself_are_not_joined(tmp_path: Path, network: str) -> None:
    """C4: this machine's network, and one where all containers meet; the twin is one that somebody has made."""
    assert problems(tmp_path, join=network) == ["bad-network"]
    assert problems(tmp_path) == []


def test_metadata_address_is_not_allowed(tmp_path: Path) -> None:
    """C4: told when the file is read; the twin is another private address."""
    assert problems(tmp_path, allow="169.254.169.254:80") == ["bad-network"]
    assert problems(tmp_path, allow="10.0.0.6:80") == []


@pytest.mark.parametrize("name", ["no.tes", "no tes", "../notes", "nötes", "n" * 65, '"n\\0"'])
def test_function_has_a_name_that_can_be_a_folders(tmp_path: Path, name: str) -> None:
    """C8: letters, digits, - and _, 64 at most; the twin is the longest that is one."""
    assert "wrong-name" in problems(tmp_path, name=name)
    assert problems(tmp_path, name="n" * 64) == []
