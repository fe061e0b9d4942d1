"""With which words npm is called, and what keeps it from being called; npm itself is not needed."""

import json
from pathlib import Path
from typing import Any

import pytest

from executor.language import Installation
from executor.packages import PackageError, PackageStore, installer


@pytest.fixture
def node(tmp_path: Path) -> Installation:
    home = tmp_path / "node"
    (home / "bin").mkdir(parents=True)
    (home / "bin/npm").touch()
    return Installation(
        language="nodejs", path=home / "bin/node", version=(22, 1), release="22.1.0", home=home
    )


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The words of each call of npm, which installs nothing."""
    calls: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> tuple[int, list[str]]:
        calls.append(command[1:])
        return 0, []

    monkeypatch.setattr(installer, "run", run)
    return calls


def build(tmp_path: Path, node: Installation, *, npmrc: str = "", left: str = "1.0.0") -> None:
    folder = tmp_path / "code"
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"dependencies": {"left": left}}))
    (folder / ".npmrc").write_text(npmrc)
    PackageStore(tmp_path / "store").build(folder, interpreter=None, program=node)


def test_scripts_of_packages_do_not_run_unless_the_code_says_so(
    tmp_path: Path, node: Installation, called: list[list[str]]
) -> None:
    """P1: they are strangers' programs, and would run as the user of this server."""
    build(tmp_path, node)
    build(tmp_path, node, npmrc="ignore-scripts=false\n")
    assert ["--ignore-scripts" in words for words in called] == [True, False]


def test_setting_that_names_a_program_is_refused(
    tmp_path: Path, node: Installation, called: list[list[str]]
) -> None:
    """P1: a way for code that nobody looks at; the twin names a registry."""
    with pytest.raises(PackageError, match="script-shell is not taken from beside the code"):
        build(tmp_path, node, npmrc="script-shell=./mine\n")
    assert called == []
    build(tmp_path, node, npmrc="registry=http://127.0.0.1:1/\n")
    assert len(called) == 1


def test_dependency_in_a_folder_of_this_machine_is_refused(
    tmp_path: Path, node: Installation, called: list[list[str]]
) -> None:
    """P1: a package holds nothing from beyond its folder; the twin names a version."""
    with pytest.raises(PackageError, match="a folder or a file of this machine"):
        build(tmp_path, node, left="file:../../etc")
    assert called == []
    build(tmp_path, node)
    assert len(called) == 1
