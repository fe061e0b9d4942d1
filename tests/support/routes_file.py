"""Writes routes.yaml files for tests that run a real server. JSON is YAML, so a dict is all that it takes."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FUNCTIONS = Path(__file__).parents[1] / "e2e" / "functions"


def write_routes(
    folder: Path,
    *,
    functions: Mapping[str, Mapping[str, Any]],
    routes: Mapping[str, Mapping[str, Any]] | None = None,
    **sections: Any,
) -> Path:
    """Make ``folder/routes.yaml``. Every function that no route names gets ``ANY /NAME``, public."""
    declared = dict(routes or {})
    called = {route.get("function") for route in declared.values()}
    for name in functions:
        if name not in called:
            declared[f"ANY /{name}"] = {"public": True, "function": name}
    path = folder / "routes.yaml"
    content = {"version": 1, **sections, "functions": functions, "routes": declared}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1))
    return path


def copy_function(name: str, folder: Path) -> Path:
    """Copy ``tests/e2e/functions/NAME`` into `folder`, so that what a test does to it stays there."""
    ignore = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(FUNCTIONS / name, folder / name, ignore=ignore))
