"""Reads routes.yaml whole: bytes → YAML → references → grammar → checks. All or nothing (P3).

Every stage reports what it finds and the next one goes on with what is left, so that one run shows all
problems. Nothing is raised and nothing outside the arguments and the named files is read.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from kit.positioned_yaml import MAX_BYTES, Document, KeyPath, YamlValue, parse, split_lines
from lockgate.config.checks.access import check_access
from lockgate.config.checks.authorizers import check_authorizers
from lockgate.config.checks.cors import check_cors
from lockgate.config.checks.functions import check_functions
from lockgate.config.checks.pools import check_pools
from lockgate.config.checks.routes import check_routes
from lockgate.config.checks.server import check_server
from lockgate.config.checks.throttles import check_throttles
from lockgate.config.checks.ways_around import check_ways_around
from lockgate.config.declared import Declared
from lockgate.config.delivered import report_undelivered
from lockgate.config.grammar.file import FORMAT_VERSION, RoutesFile
from lockgate.config.interpolation import interpolate
from lockgate.config.problems import Problem
from lockgate.config.report import Report
from lockgate.config.translation import report_refusals

_MAX_ROUNDS = 4  # of leaving out what the models refuse; one is enough for nearly every file


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of reading a file.

    :param file: None when there is an error; warnings alone leave it in place.
    :param source_lines: for `lockgate.config.problems.render_text`.
    """

    file: RoutesFile | None
    problems: tuple[Problem, ...]
    source_lines: tuple[str, ...] = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.file is not None


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Read and check *path*.

    :param environ: where ``${env:NAME}`` looks.
    """
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        report = Report(str(path), {})
        report.add("file-unreadable", (), f"the file cannot be read: {error.strerror or error}")
        return Loaded(file=None, problems=report.problems(), source_lines=())
    return load_bytes(data, path, environ)


def load_bytes(data: bytes, path: Path, environ: Mapping[str, str]) -> Loaded:
    """Check *data* as if it were the content of *path*, as an editor or a test has it."""
    document = parse(data)
    report = Report(str(path), document.positions)
    for problem in document.problems:
        report.add_yaml(problem)
    file = _file(document, path.absolute().parent, environ, report)
    problems = report.problems()
    if any(problem.severity == "error" for problem in problems):
        file = None
    lines = tuple(split_lines(data[:MAX_BYTES].decode("utf-8-sig", "replace"))) if problems else ()
    return Loaded(file=file, problems=problems, source_lines=lines)


def _file(document: Document, folder: Path, environ: Mapping[str, str], report: Report) -> RoutesFile | None:
    if document.value is None:
        return None
    if not isinstance(document.value, dict):
        report.add("wrong-type", (), "the file is a mapping", f"start with version: {FORMAT_VERSION}")
        return None
    value = interpolate(document.value, environ, folder, report)
    report_undelivered(value, report)
    skipped = {path[:2] for path in report.poisoned}
    file = _validated(value, skipped, report)
    if file is None:  # pragma: no cover - see _validated
        return None
    file.place(folder, document.positions)
    declared = Declared(value=value, folder=folder, skipped=skipped)
    check_functions(file, declared, report)
    check_routes(file, declared, report)
    check_access(file, declared, report)
    check_ways_around(file, report)
    check_authorizers(file, declared, report)
    check_pools(file, declared, report)
    check_cors(file, declared, report)
    check_throttles(file, declared, report)
    check_server(file, declared, report)
    return file


def _validated(value: dict[str, YamlValue], skipped: set[KeyPath], report: Report) -> RoutesFile | None:
    """The models of *value* without what they refuse; *skipped* gains the entries that were left out."""
    for _ in range(_MAX_ROUNDS):
        try:
            return RoutesFile.model_validate(value)
        except ValidationError as error:
            refused = report_refusals(error.errors(include_url=False), value, report)
            entries = {path[:2] for path in refused}
            for path in refused:
                report.poison(path)
            skipped |= entries
            value = _without(value, entries)
    return None  # pragma: no cover - every round leaves out what the one before refused


def _without(value: dict[str, YamlValue], entries: set[KeyPath]) -> dict[str, YamlValue]:
    left = deepcopy(value)
    for entry in entries:
        section = left.get(str(entry[0])) if entry else None
        if len(entry) == 2 and isinstance(section, dict):
            section.pop(str(entry[1]), None)
        elif entry:
            left.pop(str(entry[0]), None)
    left.setdefault("version", FORMAT_VERSION)
    return left
