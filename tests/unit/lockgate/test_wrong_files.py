"""Each wrong file gives exactly the problems that its comments name, at exactly those places."""

import re
from pathlib import Path

import pytest

from lockgate.config.codes import CODES
from lockgate.config.loader import load_bytes
from lockgate.config.problems import Problem, as_json, render_text

FILES = sorted((Path(__file__).parent / "wrong_files").glob("*.yaml"))
EXPECT = re.compile(r"# expect: ([a-z-]+)@(\d+):(\d+)")
SECRET = "hunter2hunter2"
# Found without a file of this kind: unreadable, bytes, size, depth, the command line, the import path.
ELSEWHERE = {
    "file-unreadable",
    "yaml-encoding",
    "yaml-character",
    "yaml-too-large",
    "yaml-too-deep",
    "several-files",
    "foreign-package",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for name in ("notes", "rust", "empty", "web", ".lockgate", "script/lib"):
        (folder / name).mkdir(parents=True)
    (folder / "notes/app.py").write_text("def handler(event, context): ...\n")
    (folder / "rust/bootstrap").write_bytes(b"\x7fELF")
    for name in ("index.mjs", "lib/tool.cjs", "main.rb"):
        (folder / "script" / name).touch()
    for name in ("web/index.html", "page.html", "text.txt", "notes.zip", ".lockgate/key"):
        (folder / name).write_text("text\n")
    (folder / "latin1.txt").write_bytes("é".encode("latin-1"))
    (folder.parent / "outside.html").write_text("outside")
    (folder / "link.html").symlink_to(folder.parent / "outside.html")
    return folder


def problems_of(file: Path, site: Path) -> tuple[Problem, ...]:
    loaded = load_bytes(file.read_bytes(), site / "routes.yaml", {"SECRET": SECRET, "EMPTY": ""})
    assert loaded.ok == all(problem.severity == "warning" for problem in loaded.problems)
    assert "\n".join(loaded.source_lines)
    return loaded.problems


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_wrong_file_gives_exactly_the_problems_it_names(file: Path, site: Path) -> None:
    expected = [(code, int(line), int(column)) for code, line, column in EXPECT.findall(file.read_text())]
    found = [(problem.code, problem.line, problem.column) for problem in problems_of(file, site)]
    assert expected
    assert found == expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_words_are_for_the_writer_of_the_file(file: Path, site: Path) -> None:
    problems = problems_of(file, site)
    text = render_text(problems, file.read_text().splitlines())
    for problem in problems:
        assert problem.reason
    assert not re.search(r"pydantic|errors\.dev|Traceback|_type\b|NoneType|PosixPath|\[key\]", text)
    assert SECRET not in text.replace("hunter2hunter2x}", "")
    assert SECRET not in repr(as_json(problems))


def test_every_code_has_a_wrong_file_that_gives_it() -> None:
    given = {code for file in FILES for code, _, _ in EXPECT.findall(file.read_text())}
    assert given == set(CODES) - ELSEWHERE
