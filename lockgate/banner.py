"""What a person sees when the server is up: the routes, the URLs, and a command to copy."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from lockgate.config.resolved import ResolvedRoute
from lockgate.route_list import routes_table


def print_banner(
    *,
    routes: list[ResolvedRoute],
    config: str,
    described: Mapping[str, Any],
    login: str | None = None,
    shows_mail: bool = True,
) -> None:
    """On stderr: stdout has only ``ready``.

    :param described: see `lockgate.endpoints`. :param login: a page where people sign in.
    :param shows_mail: whether mails are shown here instead of being sent.
    """
    gateway, auth = described["gateway"], described["auth"]
    console = Console(stderr=True, highlight=False)
    console.print()
    console.print(routes_table(routes))
    console.print()
    console.print(f"  [bold]{gateway}[/]  the API ({config})")
    if auth is not None:
        mail = "; mail appears below" if shows_mail else ""
        pools = ", ".join(described["user_pools"]) or "none declared"
        console.print(f"  [bold]{auth}[/]  login pages and OIDC (user pools: {pools}){mail}")
    console.print(f"  {described['control']}  the Lambda API; credentials: [bold]lockgate env[/]")
    console.print(f"  {described['admin']}  /health, /ready, /metrics")
    if login is not None:
        sys.stderr.write(f"\n  Sign up or log in:\n\n    {login}\n")
    example = _example(routes, gateway)
    if example:
        console.print("\n  Try it:\n")
        # Not through the console: it would fold the line, and a folded command cannot be copied.
        sys.stderr.write(f"    {example}\n\n")
        sys.stderr.flush()


def _example(routes: list[ResolvedRoute], gateway: str) -> str | None:
    """What to do with the first route that can be called as it stands: a function's before a page's before others'."""
    plain = [
        route
        for route in routes
        if route.auth is None and not route.key.is_default and "{" not in route.key.path
    ]
    for method in ("POST", "GET", "ANY"):
        for route in plain:
            if route.function is not None and route.key.method == method:
                return _curl(route, gateway)
    if any(_is_page(route) for route in plain):
        return f"open {gateway}/ in a browser"
    return _curl(plain[0], gateway) if plain else None


def _is_page(route: ResolvedRoute) -> bool:
    """The front page of an application: `GET /` with an HTML file."""
    file = None if route.respond is None else route.respond.file
    return route.key.method == "GET" and route.key.path == "/" and file is not None and file.suffix == ".html"


def _curl(route: ResolvedRoute, gateway: str) -> str:
    url = f"{gateway}{route.key.path}"
    if route.key.method == "POST":
        return f"""curl -s {url} -H 'content-type: application/json' -d '{{"text": "buy milk"}}'"""
    return f"curl -s {url}"
