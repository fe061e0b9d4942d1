"""Checks of the ``routes:`` section: keys, their conflicts, and what answers."""

import re
from collections.abc import Iterable
from pathlib import Path

from gateway.response import MAX_HEADER_BYTES
from gateway.route_key import RouteKey, RouteKeyError, find_conflicts
from gateway.stage import DEFAULT_STAGE
from kit.positioned_yaml import KeyPath
from lockgate.config.checks.places import STATE_FOLDER, resolved, why_unreadable
from lockgate.config.checks.references import check_function_name
from lockgate.config.declared import Declared
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.routes import Respond, Route
from lockgate.config.report import Report

MAX_RESPOND_BYTES = 10 * 1024 * 1024  # API Gateway's payload limit

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_HEADER_VALUE = re.compile("[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, section 5.5
# RFC 9110, section 7.6.1, and what the server itself decides by the body.
_OWN_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def check_routes(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Check route keys, their conflicts, and each route that the models accepted."""
    _check_keys(declared.names("routes"), file, report)
    for text, route in file.routes.items():
        path: KeyPath = ("routes", text)
        if path in declared.skipped:
            continue
        _check_target(route, declared, path, report)
        if route.respond is not None:
            _check_respond(route.respond, declared.folder, (*path, "respond"), report)


def _check_keys(texts: Iterable[str], file: RoutesFile, report: Report) -> None:
    parsed: list[tuple[str, RouteKey]] = []
    for text in texts:
        try:
            parsed.append((text, RouteKey.parse(text)))
        except RouteKeyError as error:
            hint = f"write {error.suggestion}" if error.suggestion else ""
            report.add("bad-route-key", ("routes", text), error.reason, hint, at="key")
    by_key = {id(key): text for text, key in parsed}
    for conflict in find_conflicts([key for _, key in parsed]):
        path = ("routes", by_key[id(conflict.key)])
        line = report.mark(("routes", by_key[id(conflict.by)])).line
        code = "duplicate-route" if conflict.kind == "duplicate" else "shadowed-route"
        report.add(code, path, conflict.reason, f"remove one of them; the other is in line {line}", at="key")
    _check_stages(parsed, file, report)


def _check_stages(parsed: Iterable[tuple[str, RouteKey]], file: RoutesFile, report: Report) -> None:
    """A stage takes its first segment from ``$default``: what looks protected there may be another route's."""
    if DEFAULT_STAGE not in file.stages:
        return
    for text, key in parsed:
        first = key.segments[0].text if key.segments and key.segments[0].kind == "literal" else ""
        if first in file.stages:
            rest = "/" + "/".join(key.path.split("/")[2:])
            reason = f"{key.path} is {rest} of the stage {first}, so this route does not answer it"
            report.add(
                "route-behind-stage", ("routes", text), reason, "rename the stage or the route", at="key"
            )


def _check_target(route: Route, declared: Declared, path: KeyPath, report: Report) -> None:
    targets = [name for name in ("function", "respond", "http") if getattr(route, name) is not None]
    if not targets:
        hint = "write function: NAME or respond: {…}"
        report.add("route-needs-target", path, "the route does not say what answers", hint, at="key")
    for name in targets[1:]:
        reason = f'the route has "{targets[0]}" already'
        report.add(
            "route-several-targets", (*path, name), reason, f"keep one of {', '.join(targets)}", at="key"
        )
    if route.function is not None:
        check_function_name(route.function, declared, (*path, "function"), report)
    if targets == ["respond"]:
        for key, value in (("payload", route.payload), ("timeout", route.timeout_s)):
            if value is not None:
                reason = f'"{key}" has no meaning beside "respond"'
                report.add("needs-function", (*path, key), reason, "remove it", at="key")


def _check_respond(respond: Respond, folder: Path, path: KeyPath, report: Report) -> None:
    _check_headers(respond, path, report)
    if respond.file is None:
        return
    if respond.body is not None:
        report.add("respond-body-and-file", (*path, "file"), suggestion="keep one of them", at="key")
    here = (*path, "file")
    home, place = folder.resolve(), resolved(folder, respond.file)
    if place is None or why_unreadable(place.exists) is not None:
        report.add("respond-file", here, f"{respond.file[:60]!r} is not a path")
    elif not place.is_relative_to(home):
        report.add(
            "respond-file", here, f"{respond.file} is not below the file's folder", "copy the file there"
        )
    elif place.is_relative_to(home / STATE_FOLDER):
        report.add("respond-file", here, f"{respond.file} is part of the server's own state")
    elif not place.is_file():
        hint = "the path starts at the file's folder"
        report.add("respond-file", here, f"there is no file {respond.file}", hint)
    elif place.stat().st_size > MAX_RESPOND_BYTES:
        reason = f"{respond.file} has more than {MAX_RESPOND_BYTES:,} bytes"
        report.add("respond-file", here, reason, "serve large files from elsewhere")


def _check_headers(respond: Respond, path: KeyPath, report: Report) -> None:
    seen: set[str] = set()
    for name, value in respond.headers.items():
        here = (*path, "headers", name)
        if not _TOKEN.fullmatch(name):
            report.add("bad-header", here, f'"{name[:60]}" is not a header name', at="key")
        elif name.lower() in _OWN_HEADERS:
            reason = f"{name} belongs to the connection; the server sets it"
            report.add("bad-header", here, reason, "remove it", at="key")
        elif name.lower() in seen:
            report.add("bad-header", here, f"{name} is here already, in other letters", "keep one", at="key")
        seen.add(name.lower())
        if not _HEADER_VALUE.fullmatch(value):
            reason = "a header value is one line of Latin-1 text without control characters"
            report.add("bad-header", here, reason)
    size = sum(len(name) + len(value.encode()) for name, value in respond.headers.items())
    if size > MAX_HEADER_BYTES:
        reason = f"the headers have {size:,} bytes together; the most is {MAX_HEADER_BYTES:,}"
        report.add("bad-header", (*path, "headers"), reason, "send long values in the body", at="key")
