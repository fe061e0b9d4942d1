"""Where sockets lie on machines that have no folder for them."""

import os
import stat
from pathlib import Path

import pytest

from lockgate.errors import RuntimeFailure
from lockgate.executor_part import own_folder


def test_folder_among_those_of_others_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    for name in ("new", "open"):
        assert stat.S_IMODE(own_folder(tmp_path / name).stat().st_mode) == 0o700


def test_folder_that_somebody_else_has_made_is_refused(tmp_path: Path) -> None:
    """C5: they could replace the sockets of functions, and of the executor."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with pytest.raises(RuntimeFailure, match="belongs to another user"):
        own_folder(tmp_path / "link")
    if os.geteuid() == 0:
        os.chown(tmp_path / "mine", 12_345, 12_345)
        with pytest.raises(RuntimeFailure, match="belongs to another user"):
            own_folder(tmp_path / "mine")
