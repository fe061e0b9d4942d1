from pathlib import Path

import pytest

from executor.interpreters import Interpreter
from executor.packages import PackageError, bytecode
from executor.packages.bytecode import compile_files


def fake(tmp_path: Path, text: str) -> Interpreter:
    program = tmp_path / "python3"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return Interpreter(
        path=program, version=(3, 12), release="3.12.1", prefix=tmp_path, exec_prefix=tmp_path,
        stdlib=tmp_path, cache_tag="cpython-312", magic="00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("echo disk full >&2; exit 1", "could not compile: disk full", id="fails"),
        pytest.param("exec sleep 60", "could not be run", id="hangs"),
    ],
)
def test_interpreter_that_does_not_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setattr(bytecode, "COMPILE_TIMEOUT_S", 0.2)

    with pytest.raises(PackageError, match=message) as caught:
        compile_files(tmp_path, ["app.py"], fake(tmp_path, text))

    assert caught.value.code == "compile"


def test_without_modules_nothing_is_run(tmp_path: Path) -> None:
    compile_files(tmp_path, ["index.js", "app.pyc"], fake(tmp_path, "exit 1"))
