import ctypes
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from executor.packages import draft
from executor.packages.draft import Draft
from executor.packages.listing import Limits


def test_without_syncfs_every_file_and_folder_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace())
    monkeypatch.setattr(draft.os, "fsync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}")))
    with Draft(tmp_path, tmp_path, Limits()) as package:
        package.add_file("a/b", [b"x"], executable=False)
        package.add_link("l", "a/b")
        package.finish()
        inside = str(package.folder)
        package.commit(tmp_path / "done")

    assert sorted(synced) == sorted([str(tmp_path), inside, f"{inside}/a", f"{inside}/a/b"])


def test_uncommitted_draft_vanishes_with_whatever_is_in_it(tmp_path: Path) -> None:
    def interrupted() -> None:
        with Draft(tmp_path, tmp_path, Limits()) as package:
            package.add_file("a", [b"x"], executable=False)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert list(tmp_path.iterdir()) == []


def test_second_commit_of_one_name_keeps_the_first(tmp_path: Path) -> None:
    made = []
    for text in (b"first", b"second"):
        with Draft(tmp_path, tmp_path, Limits()) as package:
            package.add_file("a", [text], executable=False)
            package.finish()
            made.append(package.commit(tmp_path / "done"))

    assert made == [True, False]
    assert (tmp_path / "done/a").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["done"]
