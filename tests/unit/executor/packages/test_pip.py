import sys
from dataclasses import replace
from pathlib import Path

import pytest

from executor.interpreters import Interpreter
from executor.packages import installer, pip
from executor.packages.pip import Installations, PipFailed


def fake(tmp_path: Path, text: str) -> Interpreter:
    """An interpreter whose pip is a shell script."""
    program = tmp_path / "python3"
    program.write_text(f'#!/bin/sh\n[ "$4" = --version ] && exit 0\n{text}\n')
    program.chmod(0o755)
    return Interpreter(
        path=program, version=(3, 12), release="3.12.1", prefix=tmp_path, exec_prefix=tmp_path,
        stdlib=tmp_path, cache_tag="cpython-312", magic="00",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def without_our_own_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")


def run(tmp_path: Path, interpreter: Interpreter, said: list[str]) -> None:
    pip.install(["sample"], target=tmp_path, interpreter=interpreter, cwd=tmp_path, on_progress=said.append)


def test_interpreters_own_pip_is_used_where_ours_is_missing(tmp_path: Path) -> None:
    said: list[str] = []

    run(tmp_path, fake(tmp_path, 'echo "$@"; echo; echo done >&2'), said)

    assert said[0].startswith(f"-I -m pip install --target {tmp_path} ")
    assert said[0].endswith(" sample")
    assert said[1] == "done"


def test_no_pip_at_all_says_what_to_do(tmp_path: Path) -> None:
    missing = replace(fake(tmp_path, ""), path=tmp_path / "missing")

    with pytest.raises(PipFailed, match="ensurepip"):
        run(tmp_path, missing, [])


def test_failure_has_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(PipFailed) as caught:
        run(tmp_path, fake(tmp_path, "seq 100; exit 1"), [])

    assert str(caught.value).split("\n") == [str(number) for number in range(81, 101)]


def test_silent_failure_has_its_code(tmp_path: Path) -> None:
    with pytest.raises(PipFailed, match="pip ended with 3"):
        run(tmp_path, fake(tmp_path, "exit 3"), [])


def test_pip_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "INSTALL_TIMEOUT_S", 0.2)

    with pytest.raises(PipFailed, match="waiting"):
        run(tmp_path, fake(tmp_path, "echo waiting; exec sleep 60"), [])


def test_pip_that_hangs_is_killed_with_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pip --python` runs a second pip, which went on and kept the build waiting after the first was killed."""
    monkeypatch.setattr(installer, "INSTALL_TIMEOUT_S", 0.2)

    with pytest.raises(PipFailed, match="waiting"):
        run(tmp_path, fake(tmp_path, "echo waiting; sleep 60; echo never"), [])


def test_closing_ends_what_is_installed_now_and_what_comes_later(tmp_path: Path) -> None:
    installations = Installations()

    for _ in range(2):
        with pytest.raises(PipFailed):
            pip.install(
                ["sample"],
                target=tmp_path,
                interpreter=fake(tmp_path, "echo hi; sleep 60; echo never"),
                cwd=tmp_path,
                on_progress=lambda _: installations.close(),
                installations=installations,
            )


def test_python_variables_of_ours_do_not_reach_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example")
    said: list[str] = []

    run(tmp_path, fake(tmp_path, "env"), said)

    assert "PIP_INDEX_URL=https://index.example" in said
    assert not [line for line in said if line.startswith("PYTHON")]


def test_interruption_ends_pip(tmp_path: Path) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pip.install(
            [],
            target=tmp_path,
            interpreter=fake(tmp_path, "echo hi; exec sleep 60"),
            cwd=tmp_path,
            on_progress=interrupt,
        )
