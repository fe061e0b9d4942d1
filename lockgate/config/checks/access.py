"""Whether each route says who may call it, and says it so that it can be done."""

import re

from kit.positioned_yaml import KeyPath
from lockgate.config.checks.references import check_authorizer_name
from lockgate.config.declared import Declared
from lockgate.config.grammar.authorizers import FunctionAuthorizer, JwtAuthorizer
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.routes import Route
from lockgate.config.report import Report

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, section 3.3


def check_access(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Check ``public``, ``auth`` and ``scopes`` of each route that the models accepted."""
    for text, route in file.routes.items():
        path: KeyPath = ("routes", text)
        if path in declared.skipped:
            continue
        authorizer = file.authorizers.get(route.auth or "")
        _check_who(route, declared, path, report)
        _check_scopes(route, authorizer, path, report)


def _check_who(route: Route, declared: Declared, path: KeyPath, report: Report) -> None:
    if route.auth is None and not route.public:
        reason = "the route does not say who may call it"
        hint = "write auth: NAME, or public: true if anybody may call it"
        report.add("route-needs-auth", path, reason, hint, at="key")
    elif route.auth is not None and route.public:
        report.add("route-auth-and-public", (*path, "public"), at="key", suggestion="keep one of them")
    if route.auth is not None:
        check_authorizer_name(route.auth, declared, (*path, "auth"), report)


def _check_scopes(
    route: Route, authorizer: JwtAuthorizer | FunctionAuthorizer | None, path: KeyPath, report: Report
) -> None:
    here = (*path, "scopes")
    if "scopes" not in route.model_fields_set:
        return
    if route.auth is None and route.public:
        reason = "a public route asks for no token, so nothing has scopes"
        report.add(
            "scopes-need-jwt", here, reason, "write auth: NAME instead of public, or remove it", at="key"
        )
    elif isinstance(authorizer, FunctionAuthorizer):
        reason = f"{route.auth} is a function: it decides by itself, there is no token with scopes"
        report.add("scopes-need-jwt", here, reason, "remove it", at="key")
    elif not route.scopes:
        report.add(
            "bad-scope", here, "the list is empty: no scope would be asked for", "name one, or remove it"
        )
    seen: set[str] = set()
    for index, scope in enumerate(route.scopes):
        if not _SCOPE.fullmatch(scope):
            words = scope.split()
            hint = f"write {', '.join(words)} as entries of their own" if len(words) > 1 else ""
            report.add("bad-scope", (*here, index), f'"{scope[:80]}" is not one word of a scope', hint)
        elif scope in seen:
            report.add("bad-scope", (*here, index), f"{scope} is in the list already", "remove it")
        seen.add(scope)
