"""Whether a function's code is there and holds what its handler names."""

import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from kit.positioned_yaml import KeyPath
from lockgate.config.checks.places import why_unreadable
from lockgate.config.report import Report
from lockgate.config.resolved import ARCHIVES

MAX_HANDLER_CHARS = 128  # Lambda's limit
_HANDLER = re.compile(r"(?P<module>[^\s./][^\s./]*(?:[./][^\s./]+)*)\.(?P<function>[A-Za-z_]\w*)")
_MODULE_SUFFIXES = (".py", ".pyc", ".so")


class CodeFolder:
    """Looks into a folder or an archive without unpacking it. Raises OSError or BadZipFile when it cannot."""

    def __init__(self, code: Path) -> None:
        self._folder = code
        self._names: frozenset[str] | None = None
        if code.suffix in ARCHIVES:
            with zipfile.ZipFile(code) as package:
                self._names = frozenset(package.namelist())

    def has(self, name: str) -> bool:
        return (self._folder / name).is_file() if self._names is None else name in self._names

    def list(self, folder: str) -> Sequence[str]:
        """Names of the files in *folder* ("" is the top)."""
        if self._names is None:
            place = self._folder / folder
            return sorted(os.listdir(place)) if place.is_dir() else []
        start = f"{folder}/" if folder else ""
        inside = (name[len(start) :] for name in self._names if name.startswith(start))
        return sorted(name for name in inside if name and "/" not in name)


def check_code(code: Path, text: str, path: KeyPath, report: Report) -> CodeFolder | None:
    """Report code that is not there; what is there is returned.

    :param path: of the key ``code``.
    """
    failure = why_unreadable(code.exists)
    if failure is not None:
        report.add("code-missing", path, f"{text[:60]!r} cannot be read: {failure}")
        return None
    if not code.exists():
        report.add("code-missing", path, f"there is no {text}", _nearby(code, text))
        return None
    if not code.is_dir() and not (code.is_file() and code.suffix in ARCHIVES):
        report.add(
            "code-missing",
            path,
            f"{text} is neither a folder nor a .zip or .jar",
            "name the folder that holds the code",
        )
        return None
    try:
        return CodeFolder(code)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a zip archive"
        report.add("code-missing", path, f"{text} cannot be read: {words}")
        return None


def check_python_handler(handler: str | None, code: CodeFolder | None, path: KeyPath, report: Report) -> None:
    """Report a handler that is missing, malformed, or whose module the code does not have.

    :param path: of the function.
    """
    here = (*path, "handler")
    if handler is None:
        report.add(
            "handler-missing",
            path,
            "a Python function needs a handler",
            "write handler: app.handler",
            at="key",
        )
        return
    parsed = _HANDLER.fullmatch(handler)
    if parsed is None or len(handler) > MAX_HANDLER_CHARS:
        reason = f'"{handler[:60]}" is not module.function'
        hint = f"write {handler}.handler" if re.fullmatch(r"\w+", handler) else "write app.handler for app.py"
        report.add("bad-handler", here, reason, hint)
        return
    if code is None:
        return
    module, function = parsed["module"], parsed["function"]
    failure = why_unreadable(lambda: _has_module(code, module))
    if failure is not None:
        report.add("handler-module-missing", here, f"the code cannot be searched: {failure}")
    elif not _has_module(code, module):
        report.add("handler-module-missing", here, *_missing_module(code, module, function))


def check_handler(
    language: str, handler: str | None, code: CodeFolder | None, path: KeyPath, report: Report
) -> None:
    """The same for Node.js, Ruby and Java. A Java class lies somewhere in a jar: only its name's form is judged."""
    form = HANDLER_FORMS[language]
    here = (*path, "handler")
    if handler is None:
        report.add("handler-missing", path, f"a {form.title} function needs a handler", form.hint, at="key")
        return
    parsed = form.pattern.fullmatch(handler)
    if parsed is None or len(handler) > MAX_HANDLER_CHARS:
        report.add("bad-handler", here, f'"{handler[:60]}" is not {form.words}', form.hint)
        return
    if code is None or not form.suffixes:
        return
    module = parsed["module"]
    failure = why_unreadable(lambda: _has_script(code, module, form))
    if failure is not None:
        report.add("handler-module-missing", here, f"the code cannot be searched: {failure}")
    elif not _has_script(code, module, form):
        report.add("handler-module-missing", here, *_missing_script(code, parsed, form))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerForm:
    """How a language names the function that answers. :param pattern: has a group ``module``, where that is a file."""

    title: str
    words: str
    hint: str
    pattern: re.Pattern[str]
    suffixes: tuple[str, ...] = ()


# Source: Lambda Developer Guide, "Define Lambda function handler in Node.js", "… in Ruby", "… in Java".
HANDLER_FORMS = {
    "nodejs": HandlerForm(
        title="Node.js",
        words="file.function",
        hint="write index.handler for index.js or index.mjs",
        pattern=re.compile(r"(?P<module>(?:[^\s/]+/)*[^\s./]+)\.(?P<function>[^\s/]+)"),
        suffixes=(".js", ".mjs", ".cjs"),
    ),
    "ruby": HandlerForm(
        title="Ruby",
        words="file.method or file.Class.method",
        hint="write app.handler for app.rb",
        pattern=re.compile(
            r"(?P<module>(?:[^\s/]+/)*[^\s./]+)\.(?P<function>(?:[A-Z][\w:]*\.)?[a-z_]\w*[!?]?)"
        ),
        suffixes=(".rb",),
    ),
    "java": HandlerForm(
        title="Java",
        words="package.Class or package.Class::method",
        hint="write example.Handler::handleRequest",
        pattern=re.compile(r"(?:[A-Za-z_$][\w$]*\.)*[A-Za-z_$][\w$]*(?:::[A-Za-z_$][\w$]*)?"),
    ),
}


def check_bootstrap(code: CodeFolder | None, path: KeyPath, report: Report) -> None:
    """Report a ``provided`` function without its executable.

    :param path: of the key ``code``.
    """
    if code is not None and not code.has("bootstrap"):
        hint = "put an executable called bootstrap at the top of the code"
        report.add("bootstrap-missing", path, 'the code has no file "bootstrap"', hint)


def _has_module(code: CodeFolder, module: str) -> bool:
    folder, _, name = module.replace(".", "/").rpartition("/")
    files = code.list(folder)
    if any(file.split(".")[0] == name and file.endswith(_MODULE_SUFFIXES) for file in files):
        return True
    return any(code.has(f"{module.replace('.', '/')}/__init__{suffix}") for suffix in (".py", ".pyc"))


def _has_script(code: CodeFolder, module: str, form: HandlerForm) -> bool:
    return any(code.has(f"{module}{suffix}") for suffix in form.suffixes)


def _missing_script(code: CodeFolder, parsed: re.Match[str], form: HandlerForm) -> tuple[str, str]:
    folder, _, name = parsed["module"].rpartition("/")
    reason = f"the code has no {parsed['module']}{' or '.join((form.suffixes[0], *form.suffixes[1:2]))}"
    stems = [file.rpartition(".")[0] for file in code.list(folder) if file.endswith(form.suffixes)]
    near = get_close_matches(name, stems, n=1, cutoff=0.5) or stems[:1]
    if not near:
        return reason, ""
    return reason, f"did you mean {folder + '/' if folder else ''}{near[0]}.{parsed['function']}?"


def _missing_module(code: CodeFolder, module: str, function: str) -> tuple[str, str]:
    folder, _, name = module.replace(".", "/").rpartition("/")
    reason = f"the code has no {folder + '/' if folder else ''}{name}.py"
    modules = [file.removesuffix(".py") for file in code.list(folder) if file.endswith(".py")]
    near = get_close_matches(name, modules, n=1, cutoff=0.5) or modules[:1]
    if not near:
        return reason, ""
    return reason, f"did you mean {folder + '/' if folder else ''}{near[0]}.{function}?"


def _nearby(code: Path, text: str) -> str:
    try:
        near = get_close_matches(code.name, os.listdir(code.parent), n=1)
    except OSError:
        near = []
    return f"did you mean {Path(text).parent / near[0]}?" if near else "the path starts at the file's folder"
