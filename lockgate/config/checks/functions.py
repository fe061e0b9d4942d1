"""Checks of the ``functions:`` section."""

import re
from collections.abc import Mapping
from pathlib import Path

import orjson

from executor.language import language_name
from kit.positioned_yaml import KeyPath
from lockgate.config.checks.code import (
    HANDLER_FORMS,
    check_bootstrap,
    check_code,
    check_handler,
    check_python_handler,
)
from lockgate.config.checks.containers import check_images, check_network, check_package
from lockgate.config.checks.places import STATE_FOLDER, overlap, resolved, why_unreadable
from lockgate.config.declared import Declared
from lockgate.config.delivered import LATER_LANGUAGES, RUNTIMES
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.functions import Function
from lockgate.config.grammar.scalars import closest
from lockgate.config.report import Report

MAX_ENVIRONMENT_BYTES = 4096  # Lambda's limit, measured as it does: the JSON of the variables

# Lambda Developer Guide, "Defined runtime environment variables", reserved ones. AWS_ACCESS_KEY_ID,
# AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN may be set here: functions have no role that provides them.
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


def check_functions(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Check each function that the models accepted, and what they have in common."""
    folder, skipped = declared.folder, declared.skipped
    if ("defaults", "runtime") not in skipped:
        _check_runtime(file.defaults.runtime, ("defaults", "runtime"), report)
    for name, function in file.functions.items():
        path: KeyPath = ("functions", name)
        if path in skipped:
            continue
        if function.runtime is not None:
            _check_runtime(function.runtime, (*path, "runtime"), report)
        check_package(function, path, report)
        check_network(function.network, (*path, "network"), report)
        _check_concurrency(function, path, report)
        _check_code(function, function.runtime or file.defaults.runtime, folder, path, report)
        _check_environment(function, path, report)
        _check_volumes(file, function, folder, path, report)
    _check_reserved(file, report)
    check_images(file.server.images, report)
    for name in declared.unused_functions():
        path = ("functions", name)
        report.add("unused-function", path, f"no route calls {name}", "add a route, or remove it", at="key")


def _check_runtime(runtime: str, path: KeyPath, report: Report) -> None:
    if runtime in RUNTIMES:
        return
    if re.fullmatch(rf"({'|'.join(LATER_LANGUAGES)})(core)?[0-9.]*(x|\.al2)?", runtime):
        hint = "python, nodejs, ruby, java and provided are in this version, and image: for all others"
        report.add("not-in-this-version", path, f"the runtime {runtime} is not in this version", hint)
    else:
        report.add(
            "unknown-runtime", path, f'there is no runtime "{runtime[:40]}"', closest(runtime, RUNTIMES)
        )


def _check_code(function: Function, runtime: str, folder: Path, path: KeyPath, report: Report) -> None:
    if function.code is None:
        return
    place = (*path, "code")
    code = check_code(folder / function.code, function.code, place, report)
    language = language_name(runtime)
    if language == "python":
        check_python_handler(function.handler, code, path, report)
    elif language in HANDLER_FORMS:
        check_handler(language, function.handler, code, path, report)
    elif language == "provided":
        check_bootstrap(code, place, report)


def _check_environment(function: Function, path: KeyPath, report: Report) -> None:
    for section in ("environment", "volumes"):
        for name in getattr(function, section):
            if name in RESERVED_VARIABLES:
                reason = f"{name} is set by the runtime and cannot be set here"
                hint = (
                    "the key region at the top sets it" if name.endswith("_REGION") else "choose another name"
                )
                report.add("environment-reserved", (*path, section, name), reason, hint, at="key")
    for name in function.volumes:
        if name in function.environment:
            reason = f"{name} is a variable of environment already"
            report.add("bad-volume", (*path, "volumes", name), reason, "choose another name", at="key")
    for name, value in function.environment.items():
        if "\0" in value:
            report.add(
                "wrong-value", (*path, "environment", name), f"{name} holds a NUL, which no variable can"
            )
    size = len(orjson.dumps(function.environment))
    if size > MAX_ENVIRONMENT_BYTES:
        reason = (
            f"the variables have {size:,} bytes together (as JSON); the most is {MAX_ENVIRONMENT_BYTES:,}"
        )
        report.add(
            "environment-too-large", (*path, "environment"), reason, "put long values into a file", at="key"
        )


def _check_volumes(file: RoutesFile, function: Function, folder: Path, path: KeyPath, report: Report) -> None:
    home = folder.resolve()
    for variable, text in function.volumes.items():
        here = (*path, "volumes", variable)
        place = resolved(folder, text)
        if place is None or why_unreadable(place.exists) is not None:
            report.add("bad-volume", here, f"{text[:60]!r} is not a path", f"write data/{path[1]}")
        elif Path(text).is_absolute() or not place.is_relative_to(home):
            report.add("bad-volume", here, f"{text} is not below the file's folder", f"write data/{path[1]}")
        elif place.exists() and not place.is_dir():
            report.add("bad-volume", here, f"{text} is not a folder", f"write data/{path[1]}")
        elif overlap(place, home / STATE_FOLDER):
            report.add(
                "bad-volume", here, f"{text} and the server's own state overlap", f"write data/{path[1]}"
            )
        elif touched := _overlapping_code(place, home, file.functions):
            reason = (
                f"{text} and the code of {touched} overlap: each write would be a new version of the code"
            )
            report.add("bad-volume", here, reason, f"write data/{path[1]}")
        elif other := _nesting_volume(place, home, file.functions):
            # A function could replace the inner folder by a link while the server gives it to its environments.
            reason = f"{text} and {other} lie in each other"
            report.add("bad-volume", here, reason, "share the same folder, or take two side by side")


def _nesting_volume(place: Path, home: Path, functions: Mapping[str, Function]) -> str:
    for function in functions.values():
        for text in function.volumes.values():
            other = resolved(home, text)
            if other not in (None, place, home) and overlap(place, other):
                return text
    return ""


def _overlapping_code(place: Path, home: Path, functions: Mapping[str, Function]) -> str:
    for name, function in functions.items():
        code = None if function.code is None else resolved(home, function.code)
        if code is not None and overlap(place, code):
            return name
    return ""


def _check_concurrency(function: Function, path: KeyPath, report: Report) -> None:
    reserved, provisioned = function.concurrency.reserved, function.concurrency.provisioned
    if reserved is not None and provisioned is not None and provisioned > reserved:
        reason = f"{provisioned} environments would be kept ready, and {reserved} may be used"
        hint = f"write provisioned: {reserved}, or reserve more"
        report.add("provisioned-over-reserved", (*path, "concurrency", "provisioned"), reason, hint)


def _check_reserved(file: RoutesFile, report: Report) -> None:
    limit = file.server.limits.environments
    if limit is None:
        return
    total = 0
    for name, function in file.functions.items():
        total += function.concurrency.reserved or 0
        if total > limit:
            path = ("functions", name, "concurrency", "reserved")
            reason = f"reserved concurrency adds up to {total} here; server.limits.environments is {limit}"
            report.add("reserved-over-limit", path, reason, "reserve less, or raise the limit")
            return
