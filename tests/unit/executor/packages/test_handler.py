import shutil
from pathlib import Path

import pytest

from executor.packages.handler import handler_problem


@pytest.mark.parametrize(
    ("source", "handler"),
    [
        pytest.param("def handler(e, c): ...", "app.handler", id="function"),
        pytest.param("async def handler(e, c): ...", "app.handler", id="async"),
        pytest.param("class handler: ...", "app.handler", id="class"),
        pytest.param("handler = make()", "app.handler", id="assigned"),
        pytest.param("handler: object = make()", "app.handler", id="annotated"),
        pytest.param("from lib import handler", "app.handler", id="imported"),
        pytest.param("from lib import x as handler", "app.handler", id="imported-as"),
        pytest.param("from lib import *", "app.handler", id="star"),
        pytest.param("try:\n    import a\nexcept ImportError:\n    handler = 1", "app.handler", id="nested"),
        pytest.param("def __getattr__(name): ...", "app.handler", id="module-getattr"),
        pytest.param("globals()['handler'] = 1", "app.handler", id="globals"),
        pytest.param("print 'other syntax'", "app.handler", id="syntax-error"),
    ],
)
def test_handler_that_may_work(tmp_path: Path, source: str, handler: str) -> None:
    (tmp_path / "app.py").write_text(source)

    assert handler_problem(tmp_path, handler) is None


@pytest.mark.parametrize(
    ("source", "handler", "problem"),
    [
        pytest.param("x = 1", "app.handler", "app.py defines no 'handler'", id="missing-name"),
        pytest.param("def f():\n    handler = 1", "app.handler", "defines no", id="only-local"),
        pytest.param("f = lambda: (handler := 1)", "app.handler", "defines no", id="only-in-lambda"),
        pytest.param("x = handler", "app.handler", "defines no", id="only-read"),
        pytest.param("", "other.handler", "other.py is not in", id="missing-module"),
        pytest.param("", "handler", "not of the form", id="no-dot"),
        pytest.param("", "../app.handler", "not of the form", id="path-out"),
        pytest.param("", "app.", "not of the form", id="no-name"),
    ],
)
def test_handler_that_cannot_work(tmp_path: Path, source: str, handler: str, problem: str) -> None:
    (tmp_path / "app.py").write_text(source)

    assert problem in (handler_problem(tmp_path, handler) or "")


@pytest.mark.parametrize("handler", ["pkg.sub.app.handler", "pkg/sub/app.handler", "pkg/sub.app.handler"])
def test_handler_in_folders(tmp_path: Path, handler: str) -> None:
    (tmp_path / "pkg/sub").mkdir(parents=True)
    (tmp_path / "pkg/sub/app.py").write_text("def handler(e, c): ...")

    assert handler_problem(tmp_path, handler) is None


def test_handler_in_an_archive(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("def handler(e, c): ...")
    archive = Path(shutil.make_archive(str(tmp_path / "code"), "zip", tmp_path / "code"))

    assert handler_problem(archive, "app.handler") is None
    assert "defines no 'main'" in (handler_problem(archive, "app.main") or "")


def test_compiled_module_is_taken_at_its_word(tmp_path: Path) -> None:
    (tmp_path / "app.cpython-312-x86_64-linux-gnu.so").write_bytes(b"")

    assert handler_problem(tmp_path, "app.handler") is None
