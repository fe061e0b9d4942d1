"""Whether Python finds our packages under our names, and not somebody's folder ``gateway``."""

import importlib.util
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec
from pathlib import Path

from lockgate.config.problems import Problem

# auth is not part of this version; a foreign one would break the first version that has it.
OUR_PACKAGES = ("lockgate", "gateway", "executor", "kit", "auth")
_HOME = Path(__file__).resolve().parents[2]
FindSpec = Callable[[str], ModuleSpec | None]


def foreign_packages(
    names: Iterable[str] = OUR_PACKAGES,
    find_spec: FindSpec = importlib.util.find_spec,
    home: Path = _HOME,
) -> tuple[Problem, ...]:
    """One problem for each of *names* that is found elsewhere than in *home*; absent ones are none."""
    return tuple(problem for name in names if (problem := _foreign(name, find_spec(name), home)))


def _foreign(name: str, spec: ModuleSpec | None, home: Path) -> Problem | None:
    if spec is None:
        return None
    places = [Path(place).resolve() for place in spec.submodule_search_locations or ()]
    if spec.origin and spec.has_location:
        places.append(Path(spec.origin).resolve().parent)
    if places and all(place == home / name for place in places):
        return None
    place = next((place for place in places if place != home / name), Path(spec.origin or name))
    return Problem(
        code="foreign-package",
        severity="error",
        file=str(place),
        line=0,
        column=0,
        key_path=(),
        reason=f'"import {name}" finds this, not the part of Lockgate of that name',
        suggestion="start in another folder, remove it from PYTHONPATH, or rename it",
    )
