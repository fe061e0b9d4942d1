"""From a loaded routes file to its routes in the gateway's words. Values only: nothing that serves them is loaded."""

from gateway.integrations.function import FunctionTarget
from gateway.integrations.respond import RespondTarget
from gateway.route_spec import RouteSpec
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.resolved import ResolvedRoute
from lockgate.door import WHOLE, Share, authorizer_spec, throttle_spec
from lockgate.pool_names import PoolNames, pool_names


def route_specs(file: RoutesFile, share: Share = WHOLE, pools: PoolNames | None = None) -> list[RouteSpec]:
    """:param pools: None: as if nobody had told where they are."""
    pools = pools or pool_names(file)
    authorizers = {name: authorizer_spec(name, each, pools) for name, each in file.authorizers.items()}
    return [
        RouteSpec(
            key=route.key,
            target=_target(route),
            authorizer=None if route.auth is None else authorizers[route.auth],
            scopes=route.scopes,
            throttle=None if route.throttle is None else throttle_spec(route.throttle, share),
        )
        for route in file.resolved_routes()
    ]


def _target(route: ResolvedRoute) -> FunctionTarget | RespondTarget:
    if route.function is not None:
        return FunctionTarget(
            function=route.function, payload_version=route.payload, timeout_s=route.timeout_s
        )
    respond = route.respond
    assert respond is not None  # `check` refuses a route with neither
    return RespondTarget(
        status=respond.status, headers=respond.headers, body=respond.body or "", file=respond.file
    )
