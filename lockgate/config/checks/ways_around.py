"""Whether a function that asks who calls is reached without asking, by another method or a path beside its route.

A method that a route does not name falls through to the less specific ones, and a greedy variable does not take its
bare parent: there is no 405 (API Gateway Developer Guide, "Routing API requests").
"""

from collections.abc import Iterator

from gateway.route_key import ANY, METHODS, RouteKey, RouteKeyError, find_conflicts
from gateway.route_table import RouteTable
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.routes import Route
from lockgate.config.report import Report

_ANYTHING = "x"  # stands for a variable's value

_Found = tuple[str, RouteKey, Route]


def check_ways_around(file: RoutesFile, report: Report) -> None:
    """Warn of protected routes whose function a public ``ANY`` or ``$default`` also serves, for what they leave."""
    routes: list[_Found] = []
    for text, route in file.routes.items():
        try:
            routes.append((text, RouteKey.parse(text), route))
        except RouteKeyError:
            return
    open_functions = {route.function for _, key, route in routes if _is_open(key, route)}
    if not open_functions or find_conflicts(key for _, key, _ in routes):
        return
    table = RouteTable((found[1], found) for found in routes)
    for text, key, route in routes:
        if route.auth is None or route.function not in open_functions:
            continue
        for method, path, (_, other, taker) in _left(table, key):
            if taker.function == route.function and _is_open(other, taker) and other.shape != key.shape:
                reason = f"{method} {path} is not this route's: {other} takes it, which is public and calls the same"
                hint = f"give {other} an auth or another function, or write a route for what is left"
                report.add("way-around", ("routes", text), reason, hint, at="key")
                break


def _is_open(key: RouteKey, route: Route) -> bool:
    return route.public and route.function is not None and key.method in (ANY, "")


def _left(table: RouteTable[_Found], key: RouteKey) -> Iterator[tuple[str, str, _Found]]:
    """Requests beside those of *key* that look as if they were its own, with the routes that take them."""
    if key.is_default:
        return
    parts = [segment.text if segment.kind == "literal" else _ANYTHING for segment in key.segments]
    written = key.path.split("/")[1:]
    places = [(parts, written)]
    if key.is_greedy and len(parts) > 1:
        places += [(parts[:-1], written[:-1]), ([*parts[:-1], ""], [*written[:-1], ""])]
    for segments, shown in places:
        for method in METHODS:
            if method == "OPTIONS":  # a public one is what browsers' preflights need
                continue
            match = table.match(method, segments)
            if match is not None and match.value[1] is not key:
                yield method, "/" + "/".join(shown), match.value
