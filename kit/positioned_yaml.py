"""A small, strict YAML: the core subset that means the same in every tool, with the position of every value.

Only ``true``/``false``, decimal numbers and strings are scalars. What YAML 1.1 and 1.2 read differently (yes,
017, 12:30:00, a bare date) is a problem that says "quote it"; anchors, aliases, merge keys and tags are off,
so a document can never grow beyond its own size. Works on libyaml's event stream without recursion, and
never raises on any input: what is wrong comes back as `YamlProblem` values, several at once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

import yaml

from kit.plain_scalar import DECIMAL, number, quote_hint, shown, why_ambiguous
from kit.yaml_syntax import syntax_words

KeyPath: TypeAlias = tuple[str | int, ...]
YamlValue: TypeAlias = bool | int | float | str | list["YamlValue"] | dict[str, "YamlValue"]

MAX_BYTES = 5 * 1024 * 1024  # far beyond any hand-written file; P2
MAX_DEPTH = 50  # P2
MAX_VALUES = 200_000  # 10,000 routes need some 80,000; keeps a hostile file below 100 MB of memory
MAX_PROBLEMS = 100  # nobody reads more; keeps a hostile file from costing more than it is worth

PROBLEM_CODES = frozenset(
    {
        "yaml-anchor",
        "yaml-character",
        "yaml-complex-key",
        "yaml-directive",
        "yaml-encoding",
        "yaml-several-documents",
        "yaml-syntax",
        "yaml-tag",
        "yaml-too-deep",
        "yaml-too-large",
        "duplicate-key",
        "empty-value",
        "quote-it",
        "unquoted-reference",
    }
)


class Mark(NamedTuple):
    """A place in the text; both numbers are 1-based, columns count characters."""

    line: int
    column: int


class Position(NamedTuple):
    """Where a value stands, and its key (None inside lists and for the document itself)."""

    value: Mark
    key: Mark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlProblem:
    """One thing that is wrong, in words for the writer of the file.

    :param path: the value that the problem belongs to, as far as it is known.
    """

    code: str
    mark: Mark
    path: KeyPath
    reason: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What was read.

    :param value: plain Python values; mapping keys are always text, as written (``200:`` is ``"200"``).
        The value of a repeated key is checked and left out. None when reading stopped early.
    :param positions: path of every value, ``()`` being the document.
    """

    value: YamlValue | None
    positions: Mapping[KeyPath, Position]
    problems: tuple[YamlProblem, ...]

    @property
    def is_complete(self) -> bool:
        return self.value is not None


def parse(data: bytes) -> Document:
    """Read one document from *data*; never raises on any bytes."""
    reader = _Reader()
    try:
        text = _decode(data)
        reader.text = text
        value = reader.read(text)
    except _Stop as stop:
        return Document(value=None, positions=reader.positions, problems=(*reader.problems, stop.problem))
    return Document(value=value, positions=reader.positions, problems=tuple(reader.problems))


class _Stop(Exception):  # ends the reading, not an error of the program
    def __init__(self, code: str, mark: Mark, reason: str, suggestion: str = "", path: KeyPath = ()) -> None:
        super().__init__(reason)
        self.problem = YamlProblem(code=code, mark=mark, path=path, reason=reason, suggestion=suggestion)


# The YAML character set, without the line breaks that editors do not count as such (NEL, LS, PS):
# libyaml counts them, and every position after one would be wrong.
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")
_LINE_BREAK = re.compile("\r\n|\r|\n")


def split_lines(text: str) -> list[str]:
    """Lines as this module counts them."""
    return _LINE_BREAK.split(text)


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        reason = f"the file has {len(data):,} bytes; the most is {MAX_BYTES:,}"
        raise _Stop("yaml-too-large", Mark(1, 1), reason)
    try:
        text = data.decode("utf-8-sig")  # editors on Windows put a byte order mark first
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        reason = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise _Stop("yaml-encoding", _mark_at_end(before), reason, "save the file as UTF-8") from error
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        reason = f"the character U+{ord(bad.group()):04X} is not allowed here"
        raise _Stop(
            "yaml-character",
            _mark_at_end(text[: bad.start()]),
            reason,
            "remove it, or write it escaped in double quotes",
        )
    return text


def _mark_at_end(before: str) -> Mark:
    lines = split_lines(before)
    return Mark(len(lines), len(lines[-1]) + 1)


@dataclass(slots=True, kw_only=True)
class _Frame:
    """An open mapping or list. ``key`` is the key that waits for its value."""

    path: KeyPath
    items: "dict[str, YamlValue] | list[YamlValue]"
    key: str | None = None
    key_mark: Mark | None = None
    first_seen: dict[str, Mark] = field(default_factory=dict)
    repeats: int = 0
    is_repeat: bool = False


class _Reader:
    """Turns the event stream into values; holds what has been found so far."""

    def __init__(self) -> None:
        self.text = ""
        self.positions: dict[KeyPath, Position] = {}
        self.problems: list[YamlProblem] = []
        self._frames: list[_Frame] = []
        self._root: YamlValue | None = None
        self._documents = 0

    def read(self, text: str) -> YamlValue:
        for event in self._events(text):
            self._take(event)
        if self._root is None:
            raise _Stop("empty-value", Mark(1, 1), "the file is empty", "start with: version: 1")
        return self._root

    def _events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from error
        except yaml.YAMLError as error:  # pragma: no cover - the reader's errors are found by _decode
            raise _Stop("yaml-syntax", Mark(1, 1), "this is not YAML") from error

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent() | yaml.AliasEvent() | yaml.CollectionStartEvent():
                self._node(event)
            case yaml.CollectionEndEvent():
                self._frames.pop()
            case yaml.DocumentStartEvent():
                self._document(event)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        mark = _mark(event.start_mark)
        self._documents += 1
        if self._documents > 1:
            raise _Stop(
                "yaml-several-documents", mark, "a second document starts here", "keep one document in a file"
            )
        if event.version or event.tags:
            self._problem(
                "yaml-directive", mark, (), "directives (%YAML, %TAG) are not read", "remove the line"
            )

    def _node(self, event: "yaml.ScalarEvent | yaml.AliasEvent | yaml.CollectionStartEvent") -> None:
        mark = _mark(event.start_mark)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.items, dict) and frame.key is None:
            self._key(frame, event, mark)
            return
        path = _next_path(frame)
        self._check_properties(event, mark, path)
        value: YamlValue
        if isinstance(event, yaml.CollectionStartEvent):
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        elif isinstance(event, yaml.AliasEvent):
            value = ""
        else:
            value = self._scalar(event, mark, path)
        self._attach(frame, path, value, mark)
        if isinstance(value, dict | list):
            if len(self._frames) == MAX_DEPTH:
                raise _Stop("yaml-too-deep", mark, f"nested deeper than {MAX_DEPTH} levels", path=path)
            self._frames.append(_Frame(path=path, items=value))

    def _attach(self, frame: _Frame | None, path: KeyPath, value: YamlValue, mark: Mark) -> None:
        if len(self.positions) >= MAX_VALUES:
            raise _Stop("yaml-too-large", mark, f"the file holds more than {MAX_VALUES:,} values")
        if frame is None:
            self._root = value
            self.positions[path] = Position(mark)
        elif isinstance(frame.items, list):
            frame.items.append(value)
            self.positions[path] = Position(mark)
        elif frame.key is not None:
            if not frame.is_repeat:
                frame.items[frame.key] = value
            self.positions[path] = Position(mark, frame.key_mark)
            frame.key, frame.is_repeat = None, False

    def _key(self, frame: _Frame, event: yaml.NodeEvent, mark: Mark) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            reason = "a key must be plain text"
            raise _Stop(
                "yaml-complex-key", mark, reason, "text that starts with {, [ or * needs quotes", frame.path
            )
        key = event.value
        path = (*frame.path, key)
        self._check_properties(event, mark, path)
        if _is_plain(event):
            self._check_plain_key(key, mark, path)
        first = frame.first_seen.setdefault(key, mark)
        if first is not mark:
            reason = f'the key "{key}" stands here a second time (first in line {first.line})'
            self._problem("duplicate-key", mark, path, reason, "keep one of them")
            # Read on under a name of its own: for its problems, not touching the first one's positions.
            frame.repeats += 1
            key = f"{key}\x00{frame.repeats}"
            frame.is_repeat = True
        frame.key, frame.key_mark = key, mark

    def _check_plain_key(self, key: str, mark: Mark, path: KeyPath) -> None:
        if key == "<<":
            self._problem("yaml-anchor", mark, path, "merge keys (<<) are not read", "write the keys out")
        elif not DECIMAL.fullmatch(key) and (why := why_ambiguous(key)):
            self._problem("quote-it", mark, path, f"the key {shown(key)} {why}", f'quote it: "{key}"')

    def _check_properties(self, event: yaml.NodeEvent, mark: Mark, path: KeyPath) -> None:
        if isinstance(event, yaml.AliasEvent):
            reason = f"aliases (*{event.anchor}) are not read"
            self._problem(
                "yaml-anchor", mark, path, reason, "write the value out; text that starts with * needs quotes"
            )
        elif event.anchor is not None:
            reason = f"anchors (&{event.anchor}) are not read"
            self._problem(
                "yaml-anchor", mark, path, reason, "remove it; text that starts with & needs quotes"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            hint = "remove it; text that starts with ! needs quotes"
            self._problem("yaml-tag", mark, path, f"tags ({shown}) are not read", hint)

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark, path: KeyPath) -> YamlValue:
        text: str = event.value
        if not _is_plain(event):
            return text
        if text == "":
            reason = "there is no value here"
            last = path[-1] if path else ""
            hint = "write the value, or remove the key"
            if isinstance(last, str) and ":" in last:
                hint = 'a ":" that separates key and value needs a space after it'
            self._problem("empty-value", mark, path, reason, hint)
            return text
        if text in ("true", "false"):
            return text == "true"
        if "${" in text:
            self._problem(
                "unquoted-reference", mark, path, "a reference must stand in quotes", f'write "{text}"'
            )
            return text
        why = why_ambiguous(text)
        if why:
            self._problem("quote-it", mark, path, f"{shown(text)} {why}", quote_hint(text))
            return text
        return number(text)

    def _problem(self, code: str, mark: Mark, path: KeyPath, reason: str, suggestion: str) -> None:
        problem = YamlProblem(code=code, mark=mark, path=path, reason=reason, suggestion=suggestion)
        if len(self.problems) + 1 >= MAX_PROBLEMS:
            raise _Stop(
                code, mark, f"{reason} (and the file has more problems than are shown)", suggestion, path
            )
        self.problems.append(problem)

    def _syntax(self, error: yaml.MarkedYAMLError) -> _Stop:
        mark = error.problem_mark or error.context_mark
        where = _mark(mark)
        path = self._frames[-1].path if self._frames else ()
        lines = split_lines(self.text)
        line = lines[where.line - 1] if where.line <= len(lines) else ""
        start = where.column - 1
        # libyaml reads the "$" of an unquoted ${…} as text and stumbles over the brace or what follows.
        brace = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), line).rfind("${", 0, start + 1) + 1
        if brace > 0:
            begin = Mark(where.line, brace)
            hint = f'write "{_unquoted_around(line, brace)}"'
            return _Stop("unquoted-reference", begin, "a reference must stand in quotes", hint, path)
        reason, hint = syntax_words(error, line[start : start + 1])
        return _Stop("yaml-syntax", where, reason, hint, path)


class _LibraryMark(Protocol):
    """A mark of either of PyYAML's two parsers; 0-based."""

    line: int
    column: int


def _mark(mark: "_LibraryMark | None") -> Mark:
    return Mark(1, 1) if mark is None else Mark(mark.line + 1, mark.column + 1)


def _next_path(frame: _Frame | None) -> KeyPath:
    if frame is None:
        return ()
    if isinstance(frame.items, list):
        return (*frame.path, len(frame.items))
    return (*frame.path, frame.key or "")


def _is_plain(event: yaml.ScalarEvent) -> bool:
    return not event.style


def _unquoted_around(line: str, brace: int) -> str:
    """The whole text around the ``${`` whose brace is at index *brace*, as far as a person meant it."""
    end = line.find("}", brace) + 1 or len(line)
    while end < len(line) and line[end] not in " ,}]":
        end += 1
    begin = brace - 1
    while begin > 0 and line[begin - 1] not in " ,{[":
        begin -= 1
    return line[begin:end]
