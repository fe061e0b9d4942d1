"""With a lock of one small wheel in the place of boto3's, so that nothing is fetched."""

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from executor.interpreters import Interpreter, find_interpreters, nearest
from executor.packages import PackageError
from executor.runtimes import folder

pytestmark = pytest.mark.slow  # pip takes a second to start


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    return nearest(f"python{sys.version_info[0]}.{sys.version_info[1]}", find_interpreters())


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    text = "VALUE = 1\n"
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    wheel = tmp_path / "index/sample-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("sample.py", text)
        archive.writestr(
            "sample-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n"
        )
        archive.writestr(
            "sample-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("sample-1.0.dist-info/RECORD", f"sample.py,sha256={digest},{len(text)}\n")
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"sample==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    monkeypatch.setattr(folder, "LOCKS", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return lock


def test_installed_once_and_found_again(
    tmp_path: Path, lock: Path, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.installed(tmp_path, interpreter) is None

    place = folder.install(tmp_path, interpreter)

    assert folder.installed(tmp_path, interpreter) == place
    assert (place / f"__pycache__/sample.{interpreter.cache_tag}.pyc").stat().st_mode & 0o777 == 0o644
    assert place.stat().st_mode & 0o777 == 0o755
    monkeypatch.setattr(folder, "pip_install", None)
    monkeypatch.setattr(folder, "compile_files", None)
    assert folder.install(tmp_path, interpreter) == place


def test_interrupted_compilation_is_done_again_without_pip(
    tmp_path: Path, lock: Path, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder.install(tmp_path, interpreter)
    for mark in place.parent.glob(f"{place.name}.*"):
        mark.unlink()
    assert folder.installed(tmp_path, interpreter) is None

    monkeypatch.setattr(folder, "pip_install", None)

    assert folder.install(tmp_path, interpreter) == place


def test_content_that_is_not_the_locked_one_is_refused(
    tmp_path: Path, lock: Path, interpreter: Interpreter
) -> None:
    lock.write_text(f"sample==1.0 --hash=sha256:{'0' * 64}\n")

    with pytest.raises(PackageError, match="DO NOT MATCH THE HASHES") as caught:
        folder.install(tmp_path, interpreter)

    assert caught.value.code == "dependencies"
    assert list((tmp_path / "runtimes/python").iterdir()) == []


def test_another_lock_is_another_folder(tmp_path: Path, lock: Path, interpreter: Interpreter) -> None:
    place = folder.install(tmp_path, interpreter)
    lock.write_text("# newer\n" + lock.read_text())

    assert folder.installed(tmp_path, interpreter) is None
    assert folder.install(tmp_path, interpreter) != place


def test_import_does_not_write(tmp_path: Path, lock: Path, interpreter: Interpreter) -> None:
    place = folder.install(tmp_path, interpreter)

    run = subprocess.run(
        [interpreter.path, "-S", "-v", "-c", "import sample; print(sample.VALUE)"],
        env={"PYTHONPATH": str(place), "PATH": os.defpath}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert run.stdout == "1\n"
    assert "# wrote" not in run.stderr


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-3.9.txt"])
def test_lock_has_a_hash_for_each_package(name: str) -> None:
    text = (Path(folder.__file__).parent / "python" / name).read_text()
    entries = [entry for entry in text.replace("\\\n", " ").splitlines() if entry and entry.strip()[0] != "#"]

    assert {entry.split("==")[0] for entry in entries} == {
        "boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3",
    }  # fmt: skip
    assert all("--hash=sha256:" in entry for entry in entries)


def test_each_version_has_its_lock(interpreter: Interpreter) -> None:
    from dataclasses import replace

    assert folder.lock_file(replace(interpreter, version=(3, 9))).name == "requirements-3.9.txt"
    assert folder.lock_file(replace(interpreter, version=(3, 10))).name == "requirements.txt"
    assert folder.lock_file(replace(interpreter, version=(3, 14))).is_file()
