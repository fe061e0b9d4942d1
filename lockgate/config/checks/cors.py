"""Checks of the ``cors:`` section, and of routes that it changes."""

from gateway.route_key import RouteKey, RouteKeyError
from lockgate.config.declared import Declared
from lockgate.config.grammar.authorizers import JwtAuthorizer
from lockgate.config.grammar.cors import Cors
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.report import Report


def check_cors(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Check what the models accepted of ``cors:``; nothing without it."""
    cors = file.cors
    if cors is None or ("cors",) in declared.skipped:
        return
    if not cors.allow_origins and ("cors", "allow_origins") not in declared.skipped:
        report.add(
            "cors-needs-origins", ("cors",), suggestion="write allow_origins: [https://HOST]", at="key"
        )
    if cors.allow_credentials and "*" in cors.allow_origins:  # H17
        hint = "name the origins, or write https://*"
        report.add("cors-wildcard-credentials", ("cors", "allow_origins"), suggestion=hint, at="key")
    if ("cors", "allow_headers") not in declared.skipped:
        _check_token_headers(cors, file, report)
    _check_options(declared, report)


def _check_token_headers(cors: Cors, file: RoutesFile, report: Report) -> None:
    """Scripts cannot send the token when its header is not allowed: every protected call fails in browsers."""
    allowed = {name.lower() for name in cors.allow_headers}
    if "*" in allowed:  # the gateway names Authorization beside it, which browsers do not count in
        return
    used = {route.auth for route in file.routes.values()}
    for name, authorizer in file.authorizers.items():
        if not isinstance(authorizer, JwtAuthorizer) or name not in used:
            continue
        source = authorizer.identity_source
        if source.kind == "header" and source.name not in allowed:
            reason = f"{name} wants its token in {source.name}, which scripts may not send"
            path = ("cors", "allow_headers") if cors.allow_headers else ("cors",)
            report.add("cors-token-header", path, reason, f"add {source.name} to allow_headers", at="key")
            allowed.add(source.name)


def _check_options(declared: Declared, report: Report) -> None:
    for text in declared.names("routes"):
        try:
            key = RouteKey.parse(text)
        except RouteKeyError:
            continue
        if key.method == "OPTIONS":
            reason = "with cors the gateway answers preflights itself; they never reach this route"
            report.add("options-beside-cors", ("routes", text), reason, "remove the route, or cors", at="key")
