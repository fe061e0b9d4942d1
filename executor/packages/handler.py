"""Says whether a Python handler such as ``app.handler`` can be found in the code, running none of it."""

import ast
import re
import zipfile
from pathlib import Path

MAX_MODULE_BYTES = 4 * 1024 * 1024  # nobody writes a larger one; reading it is only for an early message
_PART = re.compile(r"[^\W\d]\w*")


def handler_problem(code: Path, handler: str) -> str | None:
    """Explain in one sentence why `handler` cannot work; None when it can, or only running it would tell.

    :param code: a folder or a ``.zip`` file.
    :param handler: ``module.function``; folders are parted by ``/`` or ``.``, as on Lambda.
    """
    module, dot, name = handler.rpartition(".")
    parts = module.replace("/", ".").split(".")
    if not dot or not _PART.fullmatch(name) or not all(_PART.fullmatch(part) for part in parts):
        return f"handler {handler!r} is not of the form module.function"
    stem = "/".join(parts)
    for candidate in (f"{stem}/__init__.py", f"{stem}.py"):  # in the order in which Python looks
        source = _read(code, candidate)
        if source is not None:
            return _missing_name(source, candidate, name)
    if _has_compiled(code, stem):
        return None
    return f"handler {handler!r}: {stem}.py is not in {code}"


def _read(code: Path, name: str) -> bytes | None:
    try:
        if code.is_dir():
            with (code / name).open("rb") as file:
                return file.read(MAX_MODULE_BYTES)
        with zipfile.ZipFile(code) as archive, archive.open(name) as member:
            return member.read(MAX_MODULE_BYTES)
    except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return None


def _has_compiled(code: Path, stem: str) -> bool:
    """An extension module, or a module without its source."""
    return code.is_dir() and any(path.suffix in (".so", ".pyc", ".pyd") for path in code.glob(f"{stem}.*"))


def _missing_name(source: bytes, path: str, name: str) -> str | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # another version's syntax, perhaps: the function's own interpreter says it better
    bound = _Bindings()
    bound.visit(tree)
    if name in bound.names or bound.is_open:
        return None
    return f"{path} defines no {name!r} at its top level"


class _Bindings(ast.NodeVisitor):
    """The names that a module binds. `is_open`: it may bind others, too (``import *``, ``globals()``)."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.is_open = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:  # ast's naming
        self._bind(node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._bind(node.name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """What it binds is its own."""

    def visit_alias(self, node: ast.alias) -> None:
        if node.name == "*":
            self.is_open = True
        self._bind(node.asname or node.name.partition(".")[0])

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._bind(node.id)
        elif node.id in ("globals", "vars", "setattr", "exec"):
            self.is_open = True

    def _bind(self, name: str) -> None:
        self.names.add(name)
        if name == "__getattr__":  # PEP 562
            self.is_open = True
