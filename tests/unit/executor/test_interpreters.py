import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from executor import interpreters
from executor.interpreters import (
    Interpreter,
    NoInterpreter,
    describe_choice,
    is_open_to_all,
    nearest,
    search_folders,
)


def an_interpreter(release: str) -> Interpreter:
    major, minor, _ = release.split(".")
    root = Path(f"/opt/python-{release}")
    return Interpreter(
        path=root / "bin/python3",
        version=(int(major), int(minor)),
        release=release,
        prefix=root,
        exec_prefix=root,
        stdlib=root / "lib",
        cache_tag=f"cpython-{major}{minor}",
        magic="00",
    )


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


def speaker(folder: Path, name: str, **changes: object) -> Path:
    """A program that answers the probe as an interpreter would, with changes."""
    answer = {
        "implementation": "cpython",
        "release": "3.12.4",
        "version": [3, 12],
        "path": str(folder / name),
        "prefix": str(folder),
        "exec_prefix": str(folder),
        "stdlib": str(folder),
        "cache_tag": "cpython-312",
        "magic": "cb0d0d0a",
        "free_threaded": False,
    } | changes
    return script(folder, name, f"cat <<'END'\n{json.dumps(answer)}\nEND")


def test_virtual_environment_counts_as_its_base(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--copies", venv], check=True)

    found = search_folders((venv / "bin",)).found

    assert [each.prefix for each in found] == [Path(sys.base_prefix).resolve()]
    assert not found[0].path.is_relative_to(venv)
    assert found[0].version == sys.version_info[:2]
    assert found[0].cache_tag == sys.implementation.cache_tag


def test_search_finds_the_running_interpreters_base() -> None:
    interpreters.search.cache_clear()

    found = interpreters.find_interpreters()

    assert Path(sys.base_prefix).resolve() in {each.prefix for each in found}
    assert [each.release_key for each in found] == sorted((each.release_key for each in found), reverse=True)


def test_one_installation_under_many_names_is_found_once(tmp_path: Path) -> None:
    program = speaker(tmp_path / "a", "python3.12")
    (tmp_path / "a/python3").symlink_to(program)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/python3").symlink_to(program)

    assert len(search_folders((tmp_path / "a", tmp_path / "b")).found) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("exit 127", "ended with 127", id="fails"),
        pytest.param("echo hello", "cannot be run", id="says-something-else"),
        pytest.param("echo 12", "gave no answer", id="json-of-another-shape"),
        pytest.param("exec sleep 60", "did not answer", id="hangs"),
    ],
)
def test_broken_candidate_is_skipped_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.setattr(interpreters, "PROBE_TIMEOUT_S", 0.5)
    script(tmp_path, "python3.12", text)

    result = search_folders((tmp_path,))

    assert result.found == ()
    assert len(result.skipped) == 1
    assert reason in result.skipped[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"implementation": "pypy"}, "not CPython", id="pypy"),
        pytest.param({"release": "3.8.18", "version": [3, 8]}, "older than 3.9", id="old"),
        pytest.param({"free_threaded": True}, "free-threaded", id="free-threaded"),
    ],
)
def test_unfit_candidate_is_skipped_with_a_note(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    speaker(tmp_path, "python3", **changes)

    result = search_folders((tmp_path,))

    assert result.found == ()
    assert reason in result.skipped[0]


def test_other_names_and_missing_folders_are_not_tried(tmp_path: Path) -> None:
    for name in ("python3-config", "python3.12-config", "python3.13t", "python2.7", "python"):
        script(tmp_path, name, f"touch {tmp_path}/ran")

    assert search_folders((tmp_path, tmp_path / "missing")).found == ()
    assert not (tmp_path / "ran").exists()


def test_answers_are_kept_until_the_program_changes(tmp_path: Path) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "bin"
    program = speaker(folder, "python3")
    search_folders((folder,), cache=cache)
    stamp = program.stat()
    speaker(folder, "python3", release="3.12.9")
    os.utime(program, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # looks the same

    assert search_folders((folder,), cache=cache).found[0].release == "3.12.4"

    os.utime(program, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    assert search_folders((folder,), cache=cache).found[0].release == "3.12.9"


@pytest.mark.parametrize("content", ["", "[]", '{"version": 1}', '{"version": 1, "answers": []}', "{"])
def test_damaged_cache_is_ignored(tmp_path: Path, content: str) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "bin"
    cache.mkdir()
    (cache / interpreters.CACHE_FILE).write_text(content)
    speaker(folder, "python3")

    assert len(search_folders((folder,), cache=cache).found) == 1


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        pytest.param("python3.11", "3.11.9", id="exact-takes-newest-release"),
        pytest.param("python3.10", "3.11.9", id="nearest-newer"),
        pytest.param("python3.12", "3.13.0", id="newer-wins-over-older"),
        pytest.param("python3.14", "3.13.0", id="nearest-older"),
    ],
)
def test_nearest(wanted: str, chosen: str) -> None:
    found = tuple(an_interpreter(release) for release in ("3.13.0", "3.11.2", "3.11.9", "3.9.18"))

    assert nearest(wanted, found).release == chosen


def test_release_numbers_compare_as_numbers() -> None:
    found = (an_interpreter("3.11.9"), an_interpreter("3.11.10"))

    assert nearest("python3.11", found).release == "3.11.10"


@pytest.mark.parametrize("runtime", ["provided", "nodejs22.x", "python3.13x"])
def test_no_interpreter_for_other_runtimes(runtime: str) -> None:
    with pytest.raises(NoInterpreter, match="not a Python runtime"):
        nearest(runtime, (an_interpreter("3.13.0"),))


def test_no_interpreter_at_all_says_what_to_do() -> None:
    with pytest.raises(NoInterpreter, match=r"CPython 3\.9 or newer.* PATH"):
        nearest("python3.13", ())


def test_choice_is_described_only_when_it_differs() -> None:
    assert describe_choice("python3.12", an_interpreter("3.12.1")) is None
    assert describe_choice("python3.13", an_interpreter("3.12.1")) == (
        "python3.13 is not on this machine: functions run with python3.12.1 (/opt/python-3.12.1/bin/python3)"
    )


def test_interpreter_below_a_private_folder_is_not_open_to_all(tmp_path: Path) -> None:
    private = tmp_path / "private"
    speaker(private, "python3")
    (found,) = search_folders((private,)).found
    private.chmod(0o700)

    assert not is_open_to_all(found)


def test_a_home_that_cannot_be_read_has_no_interpreters_and_stops_nothing(monkeypatch, tmp_path):
    """`su` without a login shell keeps HOME: glob then meets a PermissionError in the middle of its walk."""

    def forbidden(self, pattern):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "glob", forbidden)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Path("/usr/bin") in interpreters._candidate_folders()
