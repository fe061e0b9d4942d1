"""Route keys: ``METHOD /path`` and ``$default``, their grammar, and conflicts between them.

A key is written in decoded text (``GET /café``), never percent-encoded, because requests are matched
decoded. Pure: no I/O, no state.
Source: API Gateway Developer Guide, "Create routes for HTTP APIs".
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
ANY = "ANY"
DEFAULT = "$default"

# 512 characters leave room for any real path and bound the depth of the route table's trie (256 segments).
MAX_KEY_CHARS = 512

_VARIABLE = re.compile(r"\{([A-Za-z0-9._-]{1,64})(\+?)\}")
# What a request's decoded path can never hold, or what in a key is always a mistake.
_NEVER_LITERAL = re.compile(r"[\x00-\x20\x7f-\x9f%?#\\{}*]")
_FOREIGN_VARIABLE = re.compile(r":([A-Za-z0-9._-]+)|<(?:\w+:)?([A-Za-z0-9._-]+)>|\$\{([A-Za-z0-9._-]+)\}")

SegmentKind = Literal["literal", "variable", "greedy"]


class RouteKeyError(ValueError):
    """A text is not a route key.

    :param suggestion: what the author most likely meant, ready to be written instead; None if unclear.
    """

    def __init__(self, reason: str, suggestion: str | None = None) -> None:
        super().__init__(reason if suggestion is None else f"{reason}; did you mean {suggestion!r}?")
        self.reason = reason
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Segment:
    """:param text: the literal, or the variable's name."""

    kind: SegmentKind
    text: str

    @property
    def shape(self) -> str:
        """What decides matching: literals by text, variables alike whatever their names."""
        return self.text if self.kind == "literal" else ("{}" if self.kind == "variable" else "{+}")


@dataclass(frozen=True, slots=True)
class RouteKey:
    """One parsed route key.

    :param method: ``GET`` … ``OPTIONS``, ``ANY``, or ``""`` for ``$default``.
    :param path: the path template as written; ``$default`` for the catch-all.
    :param text: the canonical key, as in events: ``GET /notes/{id}`` or ``$default``.
    :param segments: ``/`` is one empty literal; a trailing slash is a last empty literal.
    """

    method: str
    path: str
    text: str
    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, text: str) -> "RouteKey":
        """Read a key; the method may be in any case and more than one space may follow it.

        :raises RouteKeyError: with a reason and, where it can be guessed, a suggestion.
        """
        text = text.strip()
        if text == DEFAULT:
            return cls("", DEFAULT, DEFAULT, ())
        if len(text) > MAX_KEY_CHARS:
            raise RouteKeyError(f"a route key has at most {MAX_KEY_CHARS} characters")
        method, path = _split_method(text)
        return cls(method, path, f"{method} {path}", _parse_path(method, path))

    @property
    def is_default(self) -> bool:
        return self.method == ""

    @property
    def is_greedy(self) -> bool:
        return bool(self.segments) and self.segments[-1].kind == "greedy"

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(segment.text for segment in self.segments if segment.kind != "literal")

    @property
    def shape(self) -> tuple[str, ...]:
        return tuple(segment.shape for segment in self.segments)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RouteConflict:
    """A key that cannot be served as written.

    :param kind: ``duplicate``: same method and same shape as `by`; ``shadowed``: no request can reach `key`.
    :param by: the key (or the first of several) that takes its requests.
    """

    kind: Literal["duplicate", "shadowed"]
    key: RouteKey
    by: RouteKey
    reason: str


def find_conflicts(keys: Iterable[RouteKey]) -> list[RouteConflict]:
    """Find duplicates and unreachable keys; linear in the number of keys, in their order.

    Only two kinds of unreachable key exist: ANY whose seven methods all have routes of their own, and
    ``$default`` beside routes for every method on both ``/`` and ``/{proxy+}``. A greedy key always keeps
    requests such as ``/a//b``, because a ``{variable}`` never matches an empty segment.
    """
    conflicts: list[RouteConflict] = []
    by_shape: dict[tuple[str, ...], dict[str, RouteKey]] = defaultdict(dict)
    for key in keys:
        first = by_shape[key.shape].setdefault(key.method, key)
        if first is not key:
            conflicts.append(RouteConflict("duplicate", key, first, _duplicate_reason(key, first)))
    for methods in by_shape.values():
        if ANY in methods and all(method in methods for method in METHODS):
            reason = f"every method of {methods[ANY].path} has a route of its own, so ANY is never chosen"
            conflicts.append(RouteConflict("shadowed", methods[ANY], methods["GET"], reason))
    default = by_shape.get((), {}).get("")
    root, rest = by_shape.get(("",), {}), by_shape.get(("{+}",), {})
    if default is not None and _covers_all(root) and _covers_all(rest):
        reason = "/ and a greedy variable below it take every request, so $default is never chosen"
        conflicts.append(RouteConflict("shadowed", default, next(iter(rest.values())), reason))
    return conflicts


def _covers_all(methods: dict[str, RouteKey]) -> bool:
    return ANY in methods or all(method in methods for method in METHODS)


def _duplicate_reason(key: RouteKey, first: RouteKey) -> str:
    if key.text == first.text:
        return f"{key.text} is given twice"
    return f"{key.text} matches the same requests as {first.text}: names of variables make no difference"


def _split_method(text: str) -> tuple[str, str]:
    method, _, path = text.partition(" ")
    path = path.strip()
    if not path:
        raise RouteKeyError(*_missing_half(text))
    upper = method.upper()
    if upper != ANY and upper not in METHODS:
        close = get_close_matches(upper, (*METHODS, ANY), n=1)
        raise RouteKeyError(
            f"{method!r} is not a method: use one of {', '.join(METHODS)} or ANY",
            f"{close[0] if close else ANY} {path}",
        )
    if not path.startswith("/"):
        raise RouteKeyError("the path starts with /", f"{upper} /{path}")
    return upper, path


def _missing_half(text: str) -> tuple[str, str | None]:
    if text.startswith("/"):
        return "a route key starts with a method", f"ANY {text}"
    if text.upper() in (*METHODS, ANY):
        return "a route key is a method, a space and a path", f"{text.upper()} /"
    if text.lstrip("$").lower() == "default":
        return f"the catch-all is written {DEFAULT}", DEFAULT
    return "a route key is METHOD /path or $default", None


def _parse_path(method: str, path: str) -> tuple[Segment, ...]:
    parts = path.split("/")[1:]
    segments: list[Segment] = []
    names: set[str] = set()
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        if part == "" and not is_last:
            raise RouteKeyError("a path has no empty segment", f"{method} {re.sub('/{2,}', '/', path)}")
        segment = _parse_segment(method, path, part)
        if segment.kind == "greedy" and not is_last:
            raise RouteKeyError(
                f"a greedy variable is the last segment: {part}",
                f"{method} /{'/'.join(parts[: index + 1])}",
            )
        if segment.kind != "literal" and segment.text in names:
            raise RouteKeyError(f"the variable {segment.text!r} is used twice")
        if segment.kind != "literal":
            names.add(segment.text)
        segments.append(segment)
    return tuple(segments)


def _parse_segment(method: str, path: str, part: str) -> Segment:
    variable = _VARIABLE.fullmatch(part)
    if variable is not None:
        return Segment("greedy" if variable[2] else "variable", variable[1])
    foreign = _FOREIGN_VARIABLE.fullmatch(part)
    if foreign is not None:
        written = f"/{{{foreign[1] or foreign[2] or foreign[3]}}}"
        raise RouteKeyError(
            "a variable is written {name}", f"{method} {path.replace('/' + part, written, 1)}"
        )
    if part in ("*", "**"):
        raise RouteKeyError("there are no wildcards", f"{method} {path.replace(part, '{proxy+}', 1)}")
    if part in (".", ".."):
        raise RouteKeyError("requests with . or .. segments are refused, so this key could never match")
    if "{" in part or "}" in part:
        raise RouteKeyError(
            f"a variable is a whole segment, {{name}} or a last {{name+}}, of letters, digits . _ -: {part!r}"
        )
    wrong = _NEVER_LITERAL.search(part)
    if wrong is not None:
        raise RouteKeyError(*_wrong_literal(method, path, wrong[0]))
    return Segment("literal", part)


def _wrong_literal(method: str, path: str, char: str) -> tuple[str, str | None]:
    if char == "%":
        return "paths are written decoded (GET /café), not percent-encoded", None
    if char in "?#":
        return f"a route key has no {char!r}: only the path is matched", f"{method} {path.split(char)[0]}"
    if char == "*":
        return "there are no wildcards; a variable is a whole segment, {name} or a last {name+}", None
    return f"a path cannot hold {char!r}", None
