"""The user of gateway processes: what they cannot reach is named before anything starts."""

import os
from pathlib import Path

import pytest

from lockgate.edge_user import first_closed, refuse_unreachable
from lockgate.errors import RuntimeFailure

UID = 64321 if os.geteuid() == 0 else os.geteuid()
CLOSED, OPEN = (0o700, 0o711) if os.geteuid() == 0 else (0o600, 0o700)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for each in (tmp_path, *tmp_path.parents):
        if each.owner() == Path.home().owner() and os.access(each, os.W_OK) and len(each.parts) > 2:
            each.chmod(each.stat().st_mode | 0o011)  # pytest's own folders are closed
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    return tmp_path / "closed"


def test_closed_folder_is_the_one_that_is_named(folder: Path) -> None:
    folder.chmod(CLOSED)
    try:
        assert first_closed(folder / "inner/file", UID) == folder
        with pytest.raises(RuntimeFailure, match=f"{folder} is closed"):
            refuse_unreachable_only(folder / "inner/file")
    finally:
        folder.chmod(OPEN)
    assert first_closed(folder / "inner/file", UID) is None


def refuse_unreachable_only(path: Path) -> None:
    """Whatever becomes of the interpreter of the tests, which may lie in somebody's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.executable", "/bin/sh")
        patch.setattr("os.__file__", "/bin/sh")
        patch.setattr("lockgate.edge_user.__file__", "/bin/sh")
        refuse_unreachable(UID, [path])
