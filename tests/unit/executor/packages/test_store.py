import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executor.interpreters import Interpreter, find_interpreters, nearest
from executor.packages import PackageError, PackageStore, draft
from executor.packages import store as store_module
from executor.packages.listing import Limits

HERE = f"python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    return nearest(HERE, find_interpreters())


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    (folder / "lib").mkdir(parents=True)
    (folder / "app.py").write_text(
        "import lib.part\n\ndef handler(event, context):\n    return lib.part.ANSWER\n"
    )
    (folder / "lib/part.py").write_text("ANSWER = 42\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> PackageStore:
    return PackageStore(tmp_path / "store")


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
    }


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_import_from_a_package_never_writes(
    store: PackageStore, code: Path, interpreter: Interpreter
) -> None:
    package = store.build(code, interpreter=interpreter)
    before = tree(package.folder)

    run = subprocess.run(
        [interpreter.path, "-S", "-v", "-c", "import app; print(app.handler(0, 0))"],
        cwd=package.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert run.stdout == "42\n"
    assert "app.cpython" in run.stderr
    assert "# wrote" not in run.stderr
    assert tree(package.folder) == before


def test_traceback_names_the_file_where_it_is(
    store: PackageStore, code: Path, interpreter: Interpreter
) -> None:
    package = store.build(code, interpreter=interpreter)

    run = subprocess.run(
        [interpreter.path, "-S", "-c", "import app; print(app.handler.__code__.co_filename)"],
        cwd="/", env={"PYTHONPATH": str(package.folder)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert run.stdout.strip() == str(package.folder / "app.py")


def test_compiled_files_are_checked_by_hash(
    store: PackageStore, code: Path, interpreter: Interpreter
) -> None:
    package = store.build(code, interpreter=interpreter)

    compiled = (package.folder / f"__pycache__/app.{interpreter.cache_tag}.pyc").read_bytes()

    assert compiled[:4].hex() == interpreter.magic
    assert int.from_bytes(compiled[4:8], "little") == 0b11  # PEP 552: hash-based, check_source


def test_module_named_like_the_standard_librarys_does_not_run(
    store: PackageStore, code: Path, interpreter: Interpreter
) -> None:
    for name in ("py_compile.py", "struct.py", "sitecustomize.py", "encodings.py"):
        (code / name).write_text("raise SystemExit('ran')\n")

    package = store.build(code, interpreter=interpreter)

    assert (package.folder / f"__pycache__/struct.{interpreter.cache_tag}.pyc").exists()


def test_file_that_does_not_compile_is_kept(
    store: PackageStore, code: Path, interpreter: Interpreter
) -> None:
    (code / "old.py").write_text("print 'Python 2'\n")
    (code / "odd.py").write_bytes(b"\0\xff")

    assert {"old.py", "odd.py"} <= names(store.build(code, interpreter=interpreter).folder)


def test_unchanged_code_is_found_without_writing(
    store: PackageStore, code: Path, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.build(code, interpreter=interpreter)
    before = tree(first.folder)
    monkeypatch.setattr(store_module, "compile_files", None)
    (code / "app.py").touch()

    assert store.build(code, interpreter=interpreter) == first
    assert tree(first.folder) == before


def test_two_saves_of_equal_length_and_time_are_two_packages(
    store: PackageStore, code: Path, interpreter: Interpreter
) -> None:
    first = store.build(code, interpreter=interpreter)
    stamp = (code / "lib/part.py").stat()
    (code / "lib/part.py").write_text("ANSWER = 43\n")
    os.utime(code / "lib/part.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    second = store.build(code, interpreter=interpreter)

    assert second.digest != first.digest
    assert (second.folder / "lib/part.py").read_text() == "ANSWER = 43\n"
    assert (first.folder / "lib/part.py").read_text() == "ANSWER = 42\n"


def test_mode_class_and_interpreter_are_part_of_the_identity(
    store: PackageStore, code: Path, interpreter: Interpreter
) -> None:
    plain = store.build(code, interpreter=None)
    compiled = store.build(code, interpreter=interpreter)
    (code / "app.py").chmod(0o700)
    executable = store.build(code, interpreter=None)
    (code / "app.py").chmod(0o755)

    assert len({plain.digest, compiled.digest, executable.digest}) == 3
    assert store.build(code, interpreter=None) == executable


def test_package_is_readable_by_all_whatever_the_umask(
    store: PackageStore, code: Path, interpreter: Interpreter
) -> None:
    (code / "lib/part.py").chmod(0o600)
    old = os.umask(0o077)
    try:
        package = store.build(code, interpreter=interpreter)
    finally:
        os.umask(old)

    modes = {path.stat().st_mode & 0o7777 for path in package.folder.rglob("*") if path.is_file()}
    folders = {
        path.stat().st_mode & 0o7777 for path in [package.folder, *package.folder.rglob("*")] if path.is_dir()
    }
    assert modes == {0o644}
    assert folders == {0o755}


def test_what_tools_leave_is_ignored(store: PackageStore, code: Path) -> None:
    for name in (
        ".git/config",
        "__pycache__/app.pyc",
        "lib/__pycache__/x.pyc",
        ".venv/a",
        "env/pyvenv.cfg",
        "env/b",
    ):
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text("x")
    (code / "node_modules/m").mkdir(parents=True)
    (code / "node_modules/m/index.js").write_text("")

    package = store.build(code, interpreter=None)

    assert names(package.folder) == {"app.py", "lib/part.py", "node_modules/m/index.js"}


def test_store_inside_of_the_code_is_not_packaged(code: Path) -> None:
    inner = PackageStore(code / "state/packages")
    first = inner.build(code, interpreter=None)

    assert inner.build(code, interpreter=None) == first
    assert names(first.folder) == {"app.py", "lib/part.py"}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def setuid(path: Path) -> None:
    path.write_text("")
    path.chmod(0o4755)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(fifo, id="fifo"),
        pytest.param(setuid, id="setuid"),
        pytest.param(lambda path: path.symlink_to("/etc/passwd"), id="absolute-link"),
        pytest.param(lambda path: path.symlink_to("../../secret"), id="link-out"),
        pytest.param(lambda path: path.with_name("a\nb").write_text(""), id="newline"),
        pytest.param(lambda path: path.with_name("a\\b").write_text(""), id="backslash"),
    ],
)
def test_folder_with_something_unsafe_is_refused_whole(
    store: PackageStore, code: Path, make: Callable[[Path], None]
) -> None:
    """P1: a folder is judged as an archive is."""
    make(code / "lib/bad")

    with pytest.raises(PackageError) as caught:
        store.build(code, interpreter=None)

    assert caught.value.code == "unsafe-entry"
    assert list((code.parent / "store").iterdir()) == []


def test_link_inside_of_the_folder_stays_a_link(store: PackageStore, code: Path) -> None:
    (code / "lib/again.py").symlink_to("part.py")
    (code / "shared").symlink_to("lib")

    package = store.build(code, interpreter=None)

    assert os.readlink(package.folder / "lib/again.py") == "part.py"
    assert (package.folder / "shared/part.py").read_text() == "ANSWER = 42\n"


@pytest.mark.parametrize("limits", [Limits(max_bytes=20), Limits(max_entries=2)], ids=["bytes", "entries"])
def test_folder_over_a_limit_is_refused(tmp_path: Path, code: Path, limits: Limits) -> None:
    with pytest.raises(PackageError) as caught:
        PackageStore(tmp_path / "small", limits).build(code, interpreter=None)

    assert caught.value.code == "too-large"
    assert list((tmp_path / "small").iterdir()) == []


def test_missing_code_is_said(store: PackageStore, tmp_path: Path) -> None:
    with pytest.raises(PackageError) as caught:
        store.build(tmp_path / "nothing", interpreter=None)

    assert (caught.value.code, caught.value.path) == ("missing", tmp_path / "nothing")


def test_disk_full_leaves_nothing_behind(
    store: PackageStore, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draft, "sync_tree", full)

    with pytest.raises(PackageError, match="No space left") as caught:
        store.build(code, interpreter=None)

    assert caught.value.code == "system"
    assert [path for path in (tmp_path / "store").iterdir() if path.is_dir()] == []
    monkeypatch.undo()
    assert store.build(code, interpreter=None).folder.is_dir()


def test_builders_of_equal_content_agree(store: PackageStore, code: Path, tmp_path: Path) -> None:
    barrier = threading.Barrier(4)

    def build() -> str:
        barrier.wait()
        return store.build(code, interpreter=None).digest

    with ThreadPoolExecutor(4) as pool:
        digests = {future.result() for future in [pool.submit(build) for _ in range(4)]}

    assert len(digests) == 1
    assert [path.name for path in (tmp_path / "store").iterdir() if path.is_dir()] == [*digests]


def test_open_finds_what_was_built(store: PackageStore, code: Path) -> None:
    package = store.build(code, interpreter=None)

    assert store.open(package.digest) == package
    assert store.open("0" * 32) is None
    assert store.open("../" + package.digest) is None


def test_collect_removes_only_what_is_old_and_not_kept(
    store: PackageStore, code: Path, tmp_path: Path
) -> None:
    kept = store.build(code, interpreter=None)
    (code / "app.py").write_text("old")
    old = store.build(code, interpreter=None)
    (code / "app.py").write_text("fresh")
    fresh = store.build(code, interpreter=None)
    long_ago = time.time() - 1000
    for package in (kept, old):
        os.utime(tmp_path / f"store/{package.digest}.json", (long_ago, long_ago))

    removed = store.collect({kept.digest}, max_age_s=500)

    assert removed == [old.digest]
    assert store.open(old.digest) is None
    assert {store.open(kept.digest), store.open(fresh.digest)} == {kept, fresh}
    assert not any(path.name.startswith(draft.DRAFT_PREFIX) for path in (tmp_path / "store").iterdir())


def test_building_again_counts_as_use(store: PackageStore, code: Path, tmp_path: Path) -> None:
    package = store.build(code, interpreter=None)
    os.utime(tmp_path / f"store/{package.digest}.json", (0, 0))
    store.build(code, interpreter=None)

    assert store.collect(set(), max_age_s=500) == []


def test_archive_is_built_again_after_its_package_was_collected(
    store: PackageStore, code: Path, tmp_path: Path
) -> None:
    import shutil

    archive = Path(shutil.make_archive(str(tmp_path / "code"), "zip", code))
    package = store.build(archive, interpreter=None)
    assert store.build(archive, interpreter=None) == package

    assert store.collect(set(), max_age_s=0, now=time.time() + 10) == [package.digest]

    assert store.build(archive, interpreter=None).folder.is_dir()


def test_drafts_of_a_dead_process_are_swept(store: PackageStore, code: Path, tmp_path: Path) -> None:
    store.build(code, interpreter=None)
    left = tmp_path / f"store/{draft.DRAFT_PREFIX}dead"
    left.mkdir()
    (left / "x").write_text("")
    os.utime(left, (0, 0))

    store.collect(set(), max_age_s=1000)

    assert not left.exists()
