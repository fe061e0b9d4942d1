"""The routes of a file for people and programs: what answers each, who may call it, and how often."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from lockgate.config.grammar.authorizers import FunctionAuthorizer, JwtAuthorizer
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.throttle import Throttle
from lockgate.config.resolved import ResolvedRoute

_KINDS = {"source_ip": "source address", "header": "header", "claim": "claim"}


def routes_table(routes: Iterable[ResolvedRoute]) -> Table:
    """One row a route; the column of throttles only where there is one."""
    listed = list(routes)
    is_throttled = any(route.throttle is not None for route in listed)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in (
        "method",
        "path",
        "answered by",
        "who may call",
        *(("how often",) if is_throttled else ()),
    ):
        table.add_column(column, overflow="fold")
    for route in listed:
        method = "" if route.key.is_default else route.key.method
        throttle = "" if route.throttle is None else throttle_text(route.throttle)
        table.add_row(
            Text(method, style="bold"),
            Text(route.key.path),
            _target(route),
            _access(route),
            *((Text(throttle),) if is_throttled else ()),
        )
    return table


def authorizers_table(file: RoutesFile) -> Table | None:
    """One row an authorizer; None without any."""
    if not file.authorizers:
        return None
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("authorizer", "accepts"):
        table.add_column(column, overflow="fold")
    for name, authorizer in file.authorizers.items():
        table.add_row(Text(name, style="magenta"), Text(_accepts(authorizer)))
    return table


def notes(file: RoutesFile) -> Iterator[str]:
    """What holds for more than one route, one line each."""
    for name, throttle in file.stage_throttles.items():
        yield f"stage {name}: {throttle_text(throttle)}, for routes without a throttle of their own"
    if file.cors is not None:
        credentials = ", with credentials" if file.cors.allow_credentials else ""
        yield f"CORS: on for {', '.join(file.cors.allow_origins)}{credentials}"
    else:
        yield "CORS: off"


def throttle_text(throttle: Throttle) -> str:
    """As ``20/s, burst 40, per claim sub``."""
    text = f"{throttle.rate:,.10g}/s, burst {throttle.burst:,}"
    if throttle.by is None:
        return text
    return f"{text}, per {_KINDS[throttle.by.kind]} {throttle.by.name}".rstrip()


def as_json(file: RoutesFile) -> list[dict[str, Any]]:
    """One JSON-ready object a route, each complete in itself; the names of its keys are stable."""
    return [_route(route, file) for route in file.resolved_routes()]


def _target(route: ResolvedRoute) -> Text:
    if route.function is not None:
        return Text(route.function, style="cyan")
    return Text("respond", style="dim")


def _access(route: ResolvedRoute) -> Text:
    if route.auth is None:
        return Text("public")
    text = Text(route.auth, style="magenta")
    if route.scopes:
        text.append(f" with {' or '.join(route.scopes)}", style="default")
    return text


def _accepts(authorizer: JwtAuthorizer | FunctionAuthorizer) -> str:
    if isinstance(authorizer, FunctionAuthorizer):
        kept = f", kept for {authorizer.ttl_s:g}s" if authorizer.ttl_s else ""
        sources = ", ".join(source.text for source in authorizer.identity_source)
        return f"what {authorizer.function} says{f' of {sources}' if sources else ''}{kept}"
    only = f", {authorizer.token_use} tokens only" if authorizer.token_use else ""
    source = authorizer.identity_source.text
    return f"tokens of {authorizer.issuer} for {' or '.join(authorizer.audience)}, in {source}{only}"


def _route(route: ResolvedRoute, file: RoutesFile) -> dict[str, Any]:
    stages = {} if route.throttle is not None else file.stage_throttles
    return {
        "route": route.key.text,
        "method": route.key.method or "ANY",
        "path": route.key.path,
        "function": route.function,
        "access": route.auth or "public",
        "authorizer": None if route.auth is None else _authorizer(file.authorizers[route.auth]),
        "scopes": list(route.scopes),
        "throttle": _throttle(route.throttle),
        "stage_throttles": {name: _throttle(throttle) for name, throttle in stages.items()},
        "cors": file.cors is not None,
        "payload": route.payload if route.function is not None else None,
        "timeout_s": route.timeout_s,
    }


def _throttle(throttle: Throttle | None) -> dict[str, Any] | None:
    if throttle is None:
        return None
    by = throttle.by
    written = None if by is None else f"{by.kind}.{by.name}".rstrip(".")
    return {"rate": throttle.rate, "burst": throttle.burst, "by": written}


def _authorizer(authorizer: JwtAuthorizer | FunctionAuthorizer) -> dict[str, Any]:
    if isinstance(authorizer, FunctionAuthorizer):
        return {
            "type": "function",
            "function": authorizer.function,
            "identity_source": [source.text for source in authorizer.identity_source],
            "payload": authorizer.payload,
            "simple_responses": authorizer.has_simple_responses,
            "ttl_s": authorizer.ttl_s,
        }
    return {
        "type": "jwt",
        "issuer": authorizer.issuer,
        "audience": list(authorizer.audience),
        "identity_source": authorizer.identity_source.text,
        "algorithms": list(authorizer.algorithms),
        "leeway_s": authorizer.leeway_s,
        "token_use": authorizer.token_use,
    }
