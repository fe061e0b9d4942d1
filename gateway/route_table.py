"""The route table: a trie over path segments that finds the most specific route.

Among all routes that match path *and* method: full matches before greedy ones before ``$default``; within
each, segment by segment from the left, a literal before a ``{variable}`` before a ``{greedy+}`` one; at an
equal path an explicit method before ANY. The order of routes never matters. There is no 405: a path without
the method falls through to less specific routes.
Source: API Gateway Developer Guide, "Routing API requests".

ANY and ``$default`` stand for the seven methods of a route key; any other method matches no route.

A request visits at most the trie nodes that its segments can reach. Where a literal and a variable lead on
side by side both may be tried, so a table that does this at every level costs up to the number of its own
branches, a property of the configuration and not of a request; elsewhere it is one step a segment, whatever
the table's size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.route_key import ANY, METHODS, RouteKey

T = TypeVar("T")


@dataclass(slots=True)
class Match(Generic[T]):
    """:param parameters: variable name → decoded text; empty if the route has none."""

    value: T
    parameters: dict[str, str]


class _Entry(Generic[T]):
    __slots__ = ("value", "variables")

    def __init__(self, key: RouteKey, value: T) -> None:
        self.value = value
        self.variables = key.variables

    def match(self, values: list[str]) -> Match[T]:
        return Match(self.value, dict(zip(self.variables, values, strict=True)))


class _Node(Generic[T]):
    """:param exact: method → entry of the routes that end here; :param greedy: of those with a ``{name+}``
    next.
    """

    __slots__ = ("exact", "greedy", "literals", "variable")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.variable: _Node[T] | None = None
        self.exact: dict[str, _Entry[T]] = {}
        self.greedy: dict[str, _Entry[T]] = {}


class RouteTable(Generic[T]):
    """Immutable after construction; duplicates must have been refused before (`find_conflicts`)."""

    def __init__(self, routes: Iterable[tuple[RouteKey, T]]) -> None:
        self._root: _Node[T] = _Node()
        self._default: _Entry[T] | None = None
        self._size = 0
        # ANY last, so that it fills only the methods that have no route of their own.
        for key, value in sorted(routes, key=lambda route: route[0].method == ANY):
            self._add(key, value)

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"<RouteTable {self._size} routes>"

    def __iter__(self) -> Iterator[T]:
        """The value of every route, each once; for who looks at all of them, in no particular order."""
        if self._default is not None:
            yield self._default.value
        nodes = [self._root]
        while nodes:
            node = nodes.pop()
            for methods in (node.exact, node.greedy):
                yield from (entry.value for entry in dict.fromkeys(methods.values()))
            nodes += node.literals.values()
            if node.variable is not None:
                nodes.append(node.variable)

    def match(self, method: str, segments: list[str]) -> Match[T] | None:
        """Find the route of a canonical path, given as its segments; ``[]`` is taken as ``/``."""
        values: list[str] = []
        greedy: list[tuple[_Entry[T], list[str]]] = []
        entry = _descend(self._root, segments or [""], 0, method, values, greedy)
        if entry is not None:
            return entry.match(values)
        if greedy:
            entry, values = greedy[0]
            return entry.match(values)
        if self._default is not None and method in METHODS:
            return self._default.match([])
        return None

    def _add(self, key: RouteKey, value: T) -> None:
        self._size += 1
        entry = _Entry(key, value)
        if key.is_default:
            self._default = entry
            return
        node = self._root
        for segment in key.segments[: -1 if key.is_greedy else None]:
            if segment.kind == "literal":
                node = node.literals.setdefault(segment.text, _Node())
            else:
                node.variable = node.variable or _Node()
                node = node.variable
        methods = node.greedy if key.is_greedy else node.exact
        for method in METHODS if key.method == ANY else (key.method,):
            methods.setdefault(method, entry)


def _descend(
    node: _Node[T],
    segments: list[str],
    index: int,
    method: str,
    values: list[str],
    greedy: list[tuple[_Entry[T], list[str]]],
) -> _Entry[T] | None:
    """Search depth first for a full match; note the first greedy match on the way back, which is the best.

    `values` holds the variables of the way to `node`. Recursion is at most as deep as the longest key, not
    the request; where only a literal leads on there is nothing to come back to, and none is needed.
    """
    while True:
        if index == len(segments):
            return node.exact.get(method)
        segment = segments[index]
        child = node.literals.get(segment)
        if child is None or node.variable is not None or node.greedy:
            break
        node = child
        index += 1
    if child is not None:
        found = _descend(child, segments, index + 1, method, values, greedy)
        if found is not None:
            return found
    if node.variable is not None and segment:
        values.append(segment)
        found = _descend(node.variable, segments, index + 1, method, values, greedy)
        if found is not None:
            return found
        values.pop()
    if node.greedy and not greedy and (segment or index + 1 < len(segments)):
        entry = node.greedy.get(method)
        if entry is not None:
            greedy.append((entry, [*values, "/".join(segments[index:])]))
    return None
