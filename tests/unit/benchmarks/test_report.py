"""The report of the benchmarks: spreads, tables, and where they go."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.spread import Spread, percentile
from benchmarks.table import Table


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`benchmarks/run.py`, which is a script: it changes the first entry of the path."""
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    place = Path(__file__).parents[3] / "benchmarks" / "run.py"
    spec = importlib.util.spec_from_file_location("benchmarks_run", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_spread_names_median_and_ends() -> None:
    assert Spread.of([5000.4, 6210, 6400]).text() == "6,210 (5,000 to 6,400)"
    assert Spread.of([1, 2]).text(2) == "1.50 (1.00 to 2.00)"


def test_percentile_is_a_value_that_was_seen() -> None:
    assert percentile([3, 1, 2], 0.9) == 3
    assert percentile(range(100), 0.5) == 50


def test_table_is_markdown() -> None:
    table = Table(title="T", columns=("a", "b"), rows=[("1", "2")], notes=["n"])
    assert table.markdown() == "### T\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nn\n"


def test_report_replaces_only_what_stands_between_the_marks(runner: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"above\n{runner.BEGIN}\nold\n{runner.END}\nbelow\n")
    runner.write(page, "new\n")
    assert page.read_text() == f"above\n{runner.BEGIN}\n\nnew\n\n{runner.END}\nbelow\n"
