"""Folders of containers where nothing can be mounted; mounts are tried in real containers."""

import errno
import os
from pathlib import Path

import pytest

from executor.drivers.docker import kernel, workspace
from executor.drivers.docker.workspace import Delivery, Workspace


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EPERM, "not permitted", str(folder))

    monkeypatch.setattr(kernel, "bind_shared", refuse)
    bootstrap = tmp_path / "bootstrap.py"
    bootstrap.write_text("code")
    bootstrap.chmod(0o600)
    made = Workspace(tmp_path / "work")
    assert "not permitted" in made.open({"python": (bootstrap,)})
    assert not made.can_mount
    return made


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "lib").mkdir(parents=True)
    (folder / "app.py").write_text("app")
    (folder / "lib" / "own.py").write_text("own")
    return folder


def test_bootstraps_are_copies_that_all_may_read(place: Workspace) -> None:
    file = place.bootstraps("python") / "bootstrap.py"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("code", 0o644)


def test_folders_that_must_exist_before_a_process_starts(place: Workspace) -> None:
    folder = place.make("7", storage_mb=None)
    assert (folder.task / "lib").is_dir()
    assert {entry.name for entry in place.opt.iterdir()} >= {"bin", "lib", "nodejs", "python"}


@pytest.mark.parametrize("delivery", [Delivery.LINKED, Delivery.COPIED])
def test_code_arrives_without_mounts(place: Workspace, package: Path, delivery: Delivery) -> None:
    folder = place.make("7", storage_mb=None)
    place.put_code(package, folder, delivery)
    assert (folder.task / "lib" / "own.py").read_text() == "own"
    linked = (folder.task / "app.py").stat().st_ino == (package / "app.py").stat().st_ino
    assert linked is (delivery is Delivery.LINKED)
    place.remove(folder)
    place.remove(folder)  # idempotent
    assert not folder.root.exists()
    assert (package / "app.py").read_text() == "app"


def test_code_on_another_disk_is_copied(
    place: Workspace, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str, **_: object) -> None:
        raise OSError(errno.EXDEV, "another disk", target)

    monkeypatch.setattr(workspace.os, "link", refuse)
    folder = place.make("7", storage_mb=None)
    place.put_code(package, folder, Delivery.LINKED)
    assert (folder.task / "app.py").read_text() == "app"


def test_open_removes_what_was_left(place: Workspace) -> None:
    left = place.make("7", storage_mb=None)
    place.open({})
    assert not left.root.exists()
    assert os.listdir(left.root.parent) == []
    place.clear()
    place.clear()
    assert not left.root.parent.exists()
