"""A package of ours must be ours, whatever stands first on the module path."""

from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from lockgate.config.delivered import several_files
from lockgate.config.packages import foreign_packages


def test_here_every_package_is_ours() -> None:
    assert foreign_packages() == ()


@pytest.mark.parametrize("files", [["__init__.py"], []], ids=["package", "namespace"])
def test_a_folder_of_the_same_name_earlier_on_the_path_is_found(tmp_path: Path, files: list[str]) -> None:
    (tmp_path / "gateway").mkdir()
    for name in files:
        (tmp_path / "gateway" / name).touch()
    problems = foreign_packages(["gateway"], lambda name: PathFinder.find_spec(name, [str(tmp_path)]))
    assert [(problem.code, problem.file) for problem in problems] == [
        ("foreign-package", str(tmp_path / "gateway"))
    ]


def test_a_module_of_the_same_name_is_found(tmp_path: Path) -> None:
    (tmp_path / "kit.py").touch()
    problems = foreign_packages(["kit"], lambda name: PathFinder.find_spec(name, [str(tmp_path)]))
    assert [problem.code for problem in problems] == ["foreign-package"]


def test_a_package_that_is_nowhere_is_not_foreign(tmp_path: Path) -> None:
    assert foreign_packages(["auth"], lambda name: PathFinder.find_spec(name, [str(tmp_path)])) == ()


def test_several_files_are_refused_by_name() -> None:
    assert several_files([Path("a.yaml")]) is None
    problem = several_files([Path("a.yaml"), Path("b.yaml")])
    assert problem is not None
    assert (problem.code, problem.file) == ("several-files", "b.yaml")
