"""Turns what the models refuse into problems in our words, at the place where it stands."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from kit.positioned_yaml import KeyPath, YamlValue
from lockgate.config.codes import CODES
from lockgate.config.grammar.scalars import closest, kind_of
from lockgate.config.report import Report
from lockgate.config.schema import homes_of, known_keys

_KEY_ERROR = "[key]"
_NEEDED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "{} or more is needed"),
    "greater_than": ("gt", "more than {:g} is needed"),
    "less_than_equal": ("le", "{} is the most"),
}


def report_refusals(errors: Sequence[ErrorDetails], data: YamlValue, report: Report) -> set[KeyPath]:
    """Report each of pydantic's *errors* about *data*; returns the paths that were refused."""
    refused = set()
    for error in errors:
        path, is_key = _path_of(error, data)
        refused.add(path)
        _report(error, path, is_key, data, report)
    return refused


def _path_of(error: ErrorDetails, data: YamlValue) -> tuple[KeyPath, bool]:
    """The path in the file; pydantic's own has tags of unions and ``[key]`` in it."""
    location = error["loc"]
    path: KeyPath = ()
    node: YamlValue | None = data
    for index, step in enumerate(location):
        if index == 2 and path[:1] == ("authorizers",):
            continue  # the kind of authorizer; one of them is called as one of its keys
        if (isinstance(node, dict) and step in node) or (isinstance(node, list) and isinstance(step, int)):
            path, node = (*path, step), node[step]  # type: ignore[index]  # the line above has seen to it
        elif index == len(location) - 1 and error["type"] == "missing":
            path = (*path, step)
    return path, location[-1:] == (_KEY_ERROR,)


def _report(error: ErrorDetails, path: KeyPath, is_key: bool, data: YamlValue, report: Report) -> None:
    kind = error["type"]
    context: dict[str, Any] = error.get("ctx") or {}
    if kind in CODES:
        at = "key" if is_key else "value"
        report.add(kind, path, context["reason"], context["suggestion"], at=at)  # type: ignore[arg-type]  # a literal
    elif kind == "extra_forbidden":
        report.add("unknown-key", path, *_unknown_key(path), at="key")
    elif kind == "missing":
        hint = "write version: 1" if path == ("version",) else ""
        report.add("missing-key", path, f'the key "{path[-1]}" is missing here', hint, at="key")
    elif kind in _NEEDED:
        report.add("wrong-type", path, *_wrong_type(_NEEDED[kind], _at(data, path), path))
    elif kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        report.add("out-of-range", path, f"{_at(data, path)}: " + words.format(context[name]))
    elif kind in ("too_long", "too_short"):
        _report_length(kind, path, context, data, report)
    elif kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", context["expected"])
        report.add(
            "wrong-value", path, *_wrong_value(path, is_key, data, allowed), at="key" if is_key else "value"
        )
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        _report_kind(kind, path, data, report)
    else:  # pragma: no cover - no model of the grammar gives another kind today
        report.add("wrong-value", path)


def _report_kind(kind: str, path: KeyPath, data: YamlValue, report: Report) -> None:
    """An authorizer whose ``type`` is missing or unknown."""
    node = _at(data, path)
    if kind == "union_tag_not_found" and isinstance(node, dict):
        report.add(
            "missing-key",
            (*path, "type"),
            'the key "type" is missing here',
            "write type: jwt or type: function",
        )
    elif isinstance(node, dict):
        hint = closest(str(node["type"]), ("jwt", "function"))
        report.add("wrong-value", (*path, "type"), "this type does not exist", hint)


def _report_length(
    kind: str, path: KeyPath, context: dict[str, Any], data: YamlValue, report: Report
) -> None:
    if kind == "too_long":
        report.add("out-of-range", path, f"{context['max_length']} entries are the most")
    elif not _at(data, path):  # else pydantic counts only the entries that it accepted
        report.add("out-of-range", path, "at least one entry is needed")


def _at(data: YamlValue, path: KeyPath) -> YamlValue:
    for step in path:
        data = data[step]  # type: ignore[index]  # the path comes from walking the data
    return data


def _unknown_key(path: KeyPath) -> tuple[str, str]:
    key = str(path[-1])
    reason = f'there is no key "{key[:80]}" here'
    known = known_keys(path[:-1])
    near = get_close_matches(key.lower(), known, n=1, cutoff=0.75)
    if near:
        return reason, f'did you mean "{near[0]}"?'
    homes = homes_of(key)
    if homes:
        return reason, f'"{key}" belongs under {" or ".join(homes[:3])}'
    return reason, f"possible here: {', '.join(known)}"


def _wrong_type(needed: str, value: YamlValue, path: KeyPath) -> tuple[str, str]:
    reason = f"{needed} is needed here, not {kind_of(value)}"
    if not isinstance(value, str):
        if needed == "a list" and not isinstance(value, dict):
            return reason, f"write [{value}]"
        return reason, ""
    number = re.match(r"\s*([0-9]+)\s*(MB|M|MiB)?$", value, re.IGNORECASE)
    if needed == "a whole number" and number:
        return reason, f"write {number[1]}" + (" (sizes are in MB)" if number[2] else ", without quotes")
    if needed == "true or false" and value.lower() in ("true", "yes", "on", "false", "no", "off"):
        return (
            reason,
            f"write {'true' if value.lower() in ('true', 'yes', 'on') else 'false'}, without quotes",
        )
    if needed == "a list":
        return reason, f"write [{value[:60]}]"
    keys = known_keys(path)
    return reason, f"its keys: {', '.join(keys)}" if needed == "a mapping" and keys else ""


def _wrong_value(path: KeyPath, is_key: bool, data: YamlValue, allowed: list[str]) -> tuple[str, str]:
    value = path[-1] if is_key else _at(data, path)
    if not isinstance(value, str):
        return f"{kind_of(value)} is not possible here", closest("", allowed)
    return f'"{value[:40]}" is not possible here', closest(value, allowed)
