"""One generation of the configuration as it crosses from the executor's process to the edges'.

What crosses is the file's value with its references replaced, so that all see the same, whatever becomes of the file
and of what it names. The functions' variables stay behind: who faces the Internet has no use for them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kit.invoke import Invoker
from kit.positioned_yaml import YamlValue, parse
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.interpolation import interpolate
from lockgate.config.report import Report
from lockgate.served import Served

# Any: a JSON object.
Document = dict[str, Any]


def resolved(data: bytes, path: Path) -> dict[str, YamlValue]:
    """The value of a checked file, references replaced. Reads the files that it names."""
    document = parse(data)
    assert isinstance(document.value, dict)  # it was loaded
    report = Report(str(path), document.positions)
    return interpolate(document.value, os.environ, path.absolute().parent, report)


def document_of(served: Served, path: Path) -> Document:
    """What an edge is told of a generation. :param path: of the routes file."""
    value = resolved(served.data, path)
    functions = value.get("functions")
    if isinstance(functions, dict):
        value["functions"] = {name: _without_variables(each) for name, each in functions.items()}
    return {
        "number": served.number,
        "folder": str(path.absolute().parent),
        "value": value,
        "digests": dict(served.digests),
    }


def _without_variables(function: YamlValue) -> YamlValue:
    if not isinstance(function, dict):
        return function
    return {key: value for key, value in function.items() if key != "environment"}


def same(one: Document, other: Document | None) -> bool:
    """Whether both are one generation, whoever counted it."""
    return other is not None and orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    )


def file_of(value: Mapping[str, Any], folder: str) -> RoutesFile:
    """The file again. It was checked where it came from."""
    file = RoutesFile.model_validate(value)
    file.place(Path(folder), {})
    return file


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A generation as an edge has it. See `lockgate.front.Servable`."""

    number: int
    file: RoutesFile
    digests: Mapping[str, str]
    invoker: Invoker
