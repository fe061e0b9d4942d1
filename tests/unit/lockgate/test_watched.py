"""Which files a routes file depends on, right or wrong, and which changes in them matter."""

import json
from pathlib import Path
from typing import Any

import pytest

from lockgate.config.loader import load
from lockgate.watched import Watched, watched_by, watched_files

CONTENT: dict[str, Any] = {
    "version": 1,
    "functions": {
        "f": {"code": "code/f", "handler": "app.handler", "environment": {"KEY": "${file:secrets/key}"}},
        "z": {"code": "built/z.zip", "handler": "app.handler"},
    },
    "routes": {
        "GET /": {"public": True, "respond": {"file": "web/index.html"}},
        "POST /": {"public": True, "function": "f"},
    },
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path.resolve() / "home"
    for folder in ("code/f", "web", "secrets"):
        (home / folder).mkdir(parents=True)
    (home / "code/f/app.py").write_text("def handler(event, context): pass\n")
    (home / "web/index.html").write_text("<p>")
    (home / "secrets/key").write_text("s")
    (home / "routes.yaml").write_text(json.dumps(CONTENT))
    return home


def watched(home: Path) -> Watched:
    return watched_by(home / "routes.yaml", ignored=[home / "code/f/state"])


@pytest.mark.parametrize(
    "changed",
    [
        "routes.yaml",
        "code/f/app.py",
        "code/f/new/deep.txt",
        "code/f/node_modules/lib/index.js",
        "code/f",
        "code",
        "built/z.zip",
        "built",
        "web/index.html",
        "secrets/key",
    ],
)
def test_change_of_what_it_names_matters_also_before_it_is_there(home: Path, changed: str) -> None:
    assert watched(home).concerns(home / changed)


@pytest.mark.parametrize(
    "changed",
    [
        "README.md",
        "routes.yaml.bak",
        "web/other.html",
        "code/g/app.py",
        "built/z.zip.part",
        "code/f/__pycache__/app.cpython-313.pyc",
        "code/f/.git/index",
        "code/f/.venv/lib/x.py",
        "code/f/state/logs/f/1.jsonl",
        "code/f/.app.py.swp",
        "code/f/app.py~",
        "code/f/4913",
        "code/f/#app.py#",
        "code/f/.#app.py",
        "code/f/app.py___jb_tmp___",
    ],
)
def test_other_changes_do_not(home: Path, changed: str) -> None:
    assert not watched(home).concerns(home / changed)


def test_code_folder_is_watched_deep_and_folders_of_names_flat(home: Path) -> None:
    seen = watched(home)
    assert seen.deep_roots() == [str(home / "code/f")]
    # `built` is not there: the folder that will hold it is watched.
    assert seen.flat_roots() == sorted(str(home / part) for part in ("", "code", "secrets", "web"))


@pytest.mark.parametrize(
    ("text", "names_code"),
    [
        pytest.param("version: [", False, id="no-yaml"),
        pytest.param("[]", False, id="no-mapping"),
        pytest.param('{"functions": {"f": {"code": "code/f"}, "g": 3}, "routes": 7}', True, id="no-models"),
    ],
)
def test_broken_file_is_watched_itself_with_what_can_be_read_of_it(
    home: Path, text: str, names_code: bool
) -> None:
    (home / "routes.yaml").write_text(text)
    seen = watched(home)
    assert seen.concerns(home / "routes.yaml")
    assert seen.concerns(home / "code/f/app.py") == names_code


def test_missing_file_is_watched_for(home: Path) -> None:
    (home / "routes.yaml").unlink()
    assert watched(home).concerns(home / "routes.yaml")


def test_loaded_file_adds_what_references_name(home: Path) -> None:
    content = json.loads(json.dumps(CONTENT))
    del content["functions"]["z"]
    content["functions"]["f"]["code"] = "${env:CODE}"
    (home / "routes.yaml").write_text(json.dumps(content))
    loaded = load(home / "routes.yaml", {"CODE": "code/f"})
    assert loaded.file is not None, loaded.problems
    by_text = watched(home)
    assert not by_text.concerns(home / "code/f/app.py")
    both = by_text | watched_files(loaded.file, home=home)
    assert both.concerns(home / "code/f/app.py")
    assert both.concerns(home / "web/index.html")
    assert not both.concerns(home / "code/f/state/x")


def test_linked_code_is_watched_where_it_lies_and_the_link_where_it_is(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path.resolve() / "elsewhere"
    elsewhere.mkdir()
    content = {"version": 1, "functions": {"f": {"code": "linked", "handler": "app.handler"}}}
    (home / "linked").symlink_to(elsewhere)
    (home / "routes.yaml").write_text(json.dumps(content))
    seen = watched(home)
    assert seen.concerns(elsewhere / "app.py")
    assert seen.concerns(home / "linked")
    assert seen.deep_roots() == [str(elsewhere)]
    assert str(home) in seen.flat_roots()
