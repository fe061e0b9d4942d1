"""Against a small index made of wheel files, by pip itself; nothing is fetched."""

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from executor.interpreters import Interpreter, find_interpreters, nearest
from executor.packages import PackageError, PackageStore, requirements
from executor.packages.listing import Limits

pytestmark = pytest.mark.slow  # pip takes a second to start


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    return nearest(f"python{sys.version_info[0]}.{sys.version_info[1]}", find_interpreters())


def wheel(folder: Path, name: str, text: str, version: str = "1.0") -> Path:
    """A wheel with one module of the distribution's name."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{each},sha256={_hash(content)},{len(content)}\n" for each, content in files.items())
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in files.items():
            archive.writestr(each, content)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def _hash(content: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    wheel(tmp_path / "index", "sample", "VALUE = 1\n")
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "app.py").write_text("import sample\n")
    (folder / "requirements.txt").write_text("sample==1.0\n")
    return folder


def test_requirements_are_installed_compiled_and_kept(
    tmp_path: Path, code: Path, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, said = PackageStore(tmp_path / "store"), list[str]()

    package = store.build(code, interpreter=interpreter, on_progress=said.append)

    assert (package.folder / "sample/__init__.py").read_text() == "VALUE = 1\n"
    assert (package.folder / f"sample/__pycache__/__init__.{interpreter.cache_tag}.pyc").is_file()
    assert said[0].startswith("installing requirements.txt")
    assert any("sample" in line for line in said[1:])

    monkeypatch.setattr(requirements, "install", None)  # from here on the cache must do
    (code / "app.py").write_text("import sample  # changed\n")
    again = store.build(code, interpreter=interpreter)
    assert again.digest != package.digest
    assert (again.folder / "sample/__init__.py").is_file()


def test_the_codes_own_file_wins_and_its_compiled_form_too(
    tmp_path: Path, code: Path, interpreter: Interpreter
) -> None:
    (code / "sample").mkdir()
    (code / "sample/__init__.py").write_text("VALUE = 2\n")

    package = PackageStore(tmp_path / "store").build(code, interpreter=interpreter)

    compiled = package.folder / f"sample/__pycache__/__init__.{interpreter.cache_tag}.pyc"
    assert (package.folder / "sample/__init__.py").read_text() == "VALUE = 2\n"
    from importlib.util import source_hash

    assert compiled.read_bytes()[8:16] == source_hash(b"VALUE = 2\n")


def test_file_in_place_of_a_dependencys_folder_is_refused(
    tmp_path: Path, code: Path, interpreter: Interpreter
) -> None:
    (code / "sample").write_text("")

    with pytest.raises(PackageError, match="has the name of a dependency's folder"):
        PackageStore(tmp_path / "store").build(code, interpreter=interpreter)


def test_failure_says_what_pip_said_and_leaves_nothing(
    tmp_path: Path, code: Path, interpreter: Interpreter
) -> None:
    (code / "requirements.txt").write_text("sample==9.9\n")

    with pytest.raises(PackageError) as caught:
        PackageStore(tmp_path / "store").build(code, interpreter=interpreter)

    assert caught.value.code == "dependencies"
    assert "No matching distribution found for sample==9.9" in caught.value.message
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_included_file_is_part_of_the_key(tmp_path: Path, code: Path, interpreter: Interpreter) -> None:
    wheel(tmp_path / "index", "sample", "VALUE = 3\n", version="3.0")
    (code / "requirements.txt").write_text("-r more.txt\n")
    (code / "more.txt").write_text("sample==1.0\n")
    store = PackageStore(tmp_path / "store")
    store.build(code, interpreter=interpreter)
    (code / "more.txt").write_text("sample==3.0\n")

    package = store.build(code, interpreter=interpreter)

    assert (package.folder / "sample/__init__.py").read_text() == "VALUE = 3\n"


def test_wheel_beside_the_code_is_part_of_the_key(
    tmp_path: Path, code: Path, interpreter: Interpreter
) -> None:
    name = wheel(code / "wheels", "local", "VALUE = 1\n").name
    (code / "requirements.txt").write_text(f"./wheels/{name}\n")
    store = PackageStore(tmp_path / "store")
    store.build(code, interpreter=interpreter)
    wheel(code / "wheels", "local", "VALUE = 2\n")

    package = store.build(code, interpreter=interpreter)

    assert (package.folder / "local/__init__.py").read_text() == "VALUE = 2\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("-e .", "requirements.txt:1: an editable requirement", id="editable"),
        pytest.param("./library", "'./library' is a folder", id="folder"),
        pytest.param("library @ file:///srv/library", "is a folder", id="file-url"),
        pytest.param("-r missing.txt", "missing.txt: No such file", id="missing-include"),
    ],
)
def test_requirement_that_cannot_be_kept_is_refused(
    tmp_path: Path, code: Path, interpreter: Interpreter, line: str, message: str
) -> None:
    (code / "requirements.txt").write_text(line + "\n")

    with pytest.raises(PackageError) as caught:
        PackageStore(tmp_path / "store").build(code, interpreter=interpreter)

    assert caught.value.code == "dependencies"
    assert message in caught.value.message


def test_dependencies_count_against_the_limit(tmp_path: Path, code: Path, interpreter: Interpreter) -> None:
    (tmp_path / "index/sample-1.0-py3-none-any.whl").unlink()
    wheel(tmp_path / "index", "sample", "#" * 5000)

    with pytest.raises(PackageError) as caught:
        PackageStore(tmp_path / "store", Limits(max_bytes=5000)).build(code, interpreter=interpreter)

    assert caught.value.code == "too-large"


def test_without_an_interpreter_the_file_is_only_a_file(tmp_path: Path, code: Path) -> None:
    package = PackageStore(tmp_path / "store").build(code, interpreter=None)

    assert package.files == 2
