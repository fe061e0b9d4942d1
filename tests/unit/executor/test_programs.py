"""Programs are shell scripts here: what they print is what they are."""

import json
import re
from pathlib import Path

import pytest

from executor.language import Installation
from executor.programs import Search, find_in

SEARCH = Search(
    language="nodejs",
    names=re.compile(r"node(js)?"),
    folders=(),
    probe=("-p", "version"),
    oldest=(16,),
)


def program(folder: Path, says: str, *, name: str = "node") -> Path:
    """A program that prints `says` and notes that it was run."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" >>{folder}/runs\n[ -z "$NODE_OPTIONS" ] || exit 1\n{says}\n')
    path.chmod(0o755)
    return path


def version(text: str, **more: str) -> str:
    return f"echo '{json.dumps({'release': text, **more})}'"


def find(tmp_path: Path, *folders: str, cache: Path | None = None) -> tuple[Installation, ...]:
    return find_in(SEARCH, tuple(tmp_path / folder for folder in folders), cache)


def test_programs_are_found_newest_first(tmp_path: Path) -> None:
    program(tmp_path / "a/bin", version("18.1.0"))
    program(tmp_path / "b/bin", version("22.3.1"), name="nodejs")
    found = find(tmp_path, "a/bin", "b/bin")
    assert [each.version for each in found] == [(22, 3, 1), (18, 1, 0)]
    assert found[0].path == tmp_path / "b/bin/nodejs"
    assert found[0].home == tmp_path / "b"
    assert (tmp_path / "a/bin/runs").read_text() == "-p version\n"


def test_a_program_may_say_where_it_lives(tmp_path: Path) -> None:
    program(tmp_path / "bin", version("20.0.0", home=str(tmp_path)))
    assert find(tmp_path, "bin")[0].home == tmp_path


def test_words_with_a_version_are_an_answer_too(tmp_path: Path) -> None:
    program(tmp_path / "a/bin", "echo 'openjdk 17.0.15 2025-04-15'")
    assert find(tmp_path, "a/bin")[0].version == (17, 0, 15)


def test_the_first_of_two_equal_ones_is_taken(tmp_path: Path) -> None:
    program(tmp_path / "a", version("20.0.0"))
    program(tmp_path / "b", version("20.0.0"))
    assert [each.path for each in find(tmp_path, "b", "a")] == [tmp_path / "b/node"]


@pytest.mark.parametrize(
    "says",
    [
        pytest.param(version("14.21.3"), id="too-old"),
        pytest.param("exit 1", id="fails"),
        pytest.param("echo 'no version at all'", id="no-words-with-a-version"),
        pytest.param("echo '{20.0.0'", id="broken-json"),
        pytest.param("echo '{}'", id="no-version"),
        pytest.param(version("latest"), id="no-number"),
        pytest.param(version("20.0.0", home="/absent/home"), id="home-is-not-there"),
    ],
)
def test_what_cannot_be_used_is_not_found(tmp_path: Path, says: str) -> None:
    program(tmp_path / "bin", says)
    assert find(tmp_path, "bin") == ()


def test_other_names_folders_and_missing_places_are_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin", version("20.0.0"), name="nodemon")
    (tmp_path / "bin/node").mkdir()
    assert find(tmp_path, "bin", "absent") == ()


def test_variables_of_the_server_do_not_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_OPTIONS", "--require=./mine.js")
    program(tmp_path / "bin", version("20.0.0"))
    assert len(find(tmp_path, "bin")) == 1


def test_an_answer_is_kept_until_the_program_changes(tmp_path: Path) -> None:
    program(tmp_path / "bin", version("20.0.0"))
    for _ in range(2):
        assert find(tmp_path, "bin", cache=tmp_path / "cache")[0].release == "20.0.0"
    assert (tmp_path / "bin/runs").read_text() == "-p version\n"
    program(tmp_path / "bin", version("20.0.1 "))
    assert find(tmp_path, "bin", cache=tmp_path / "cache")[0].release == "20.0.1 "


def test_a_damaged_cache_is_no_cache(tmp_path: Path) -> None:
    program(tmp_path / "bin", version("20.0.0"))
    find(tmp_path, "bin", cache=tmp_path)
    (tmp_path / "nodejs-programs.json").write_text('{"version": 1, "answers": {"x": 1}}')
    assert len(find(tmp_path, "bin", cache=tmp_path)) == 1


def test_a_problem_is_asked_for_again(tmp_path: Path) -> None:
    program(tmp_path / "bin", "exit 1")
    for _ in range(2):
        assert find(tmp_path, "bin", cache=tmp_path) == ()
    assert (tmp_path / "bin/runs").read_text() == "-p version\n" * 2
