"""The table of security requirements, and the page that is made from it. `make mutants` proves what it says."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.requirement import MUST, Line, Requirement, Shown, cites, problems_of
from tests.mutants.requirements import REQUIREMENTS
from tests.mutants.security_page import PAGE, page

ROOT = Path(__file__).resolve().parents[3]


def test_every_requirement_has_lines_that_are_there_and_tests_that_cite_it() -> None:
    assert problems_of(REQUIREMENTS, ROOT) == []


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text() == page(), "run python tests/mutants/security_page.py"


GOOD = "tests/unit/test_a.py::test_good"


def _found(*, old: str = "x = 1", test: str = GOOD, id_: str = "H1") -> Requirement:
    line = Line(holds="something", file="a.py", old=old, new="pass", tests=(test,))
    return Requirement(id=id_, title="A title", promise="A promise.", lines=(line,))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text("x = 1\ny = 2\ny = 2\n")
    (tmp_path / "tests/unit").mkdir(parents=True)
    (tmp_path / "tests/unit/test_a.py").write_text(
        'def test_good():\n    """H1: a reason."""\n\n\ndef test_silent():\n    """H12: another."""\n'
    )
    return tmp_path


def test_a_whole_table_has_no_problems(root: Path) -> None:
    found = replace(_found(), shown=(Shown(holds="something", tests=("tests/e2e/test_b.py::test_seen",)),))
    (root / "tests/e2e").mkdir()
    (root / "tests/e2e/test_b.py").write_text('def test_seen():\n    """H1."""\n')
    rows = [found, *(Requirement(id=i, title="", promise="", not_yet="later") for i in MUST - {"H1"})]
    assert problems_of(rows, root) == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param(_found(old="y = 2"), "found 2 times in a.py", id="line-twice"),
        pytest.param(_found(old="z = 3"), "found 0 times in a.py", id="line-gone"),
        pytest.param(_found(test="tests/unit/test_a.py::test_silent"), "does not cite it", id="other-number"),
        pytest.param(_found(test="tests/unit/test_a.py::test_none"), "does not cite it", id="no-such-test"),
        pytest.param(_found(test="a.py::test_good"), "is no quick test", id="not-a-quick-test"),
        pytest.param(
            replace(_found(), shown=(Shown(holds="", tests=(f"{GOOD}_too",)),)),
            "test_good_too does not cite it",
            id="nothing-shown",
        ),
        pytest.param(replace(_found(), lines=()), "neither a line nor a reason", id="nothing"),
        pytest.param(_found(), "H2 has no row", id="row-missing"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(root: Path, row: Requirement, problem: str) -> None:
    assert any(problem in found for found in problems_of([row], root))


@pytest.mark.parametrize(
    ("test", "is_cited"),
    [
        ("tests/unit/test_a.py::test_good", True),
        ("tests/unit/test_a.py::test_good[case]", True),
        ("tests/unit/test_a.py::test_silent[H1-case]", True),
        ("tests/unit/test_a.py::test_silent[case]", False),
        ("tests/unit/test_a.py::test_silent", False),
    ],
)
def test_a_test_cites_by_its_docstring_or_its_case(root: Path, test: str, is_cited: bool) -> None:
    assert cites(test, "H1", root) is is_cited
