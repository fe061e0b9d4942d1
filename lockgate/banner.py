"""What a person sees when the server is up: the routes, the URLs, and a command to copy."""

import sys

from rich.console import Console

from lockgate.config.resolved import ResolvedRoute
from lockgate.route_list import routes_table


def print_banner(*, routes: list[ResolvedRoute], gateway: str, control: str, admin: str, config: str) -> None:
    """On stderr: stdout has only ``ready``."""
    console = Console(stderr=True, highlight=False)
    console.print()
    console.print(routes_table(routes))
    console.print()
    console.print(f"  [bold]{gateway}[/]  the API ({config})")
    console.print(f"  {control}  the Lambda API; credentials: [bold]lockgate env[/]")
    console.print(f"  {admin}  /health, /ready, /metrics")
    example = _example(routes, gateway)
    if example:
        console.print("\n  Try it:\n")
        # Not through the console: it would fold the line, and a folded command cannot be copied.
        sys.stderr.write(f"    {example}\n\n")
        sys.stderr.flush()


def _example(routes: list[ResolvedRoute], gateway: str) -> str | None:
    """A curl for the first route that can be called as it stands; a function's before a fixed answer's."""
    plain = [
        route
        for route in routes
        if route.auth is None and not route.key.is_default and "{" not in route.key.path
    ]
    for method in ("POST", "GET", "ANY"):
        for route in plain:
            if route.function is not None and route.key.method == method:
                return _curl(route, gateway)
    return _curl(plain[0], gateway) if plain else None


def _curl(route: ResolvedRoute, gateway: str) -> str:
    url = f"{gateway}{route.key.path}"
    if route.key.method == "POST":
        return f"""curl -s {url} -H 'content-type: application/json' -d '{{"text": "buy milk"}}'"""
    return f"curl -s {url}"
