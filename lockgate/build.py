"""From a loaded routes file to the gateway's deployment. Reads the files of ``respond:`` routes; any thread may."""

from collections.abc import Sequence

from gateway.deployment import Deployment
from gateway.errors import DeploymentError
from gateway.exchange import ApiNames
from gateway.locator import Locator
from gateway.metrics import GatewayMetrics
from gateway.route_spec import RouteSpec
from gateway.services import Services
from gateway.stage import Stage
from kit.names import Names
from lockgate.config.grammar.file import RoutesFile
from lockgate.door import WHOLE, Share, cors_spec, throttle_spec
from lockgate.errors import ConfigurationError
from lockgate.pool_names import PoolNames
from lockgate.route_specs import route_specs


def deployment_of(
    file: RoutesFile,
    names: Names,
    *,
    locator: Locator,
    metrics: GatewayMetrics,
    services: Services,
    share: Share = WHOLE,
    pools: PoolNames | None = None,
) -> Deployment:
    """:param share: of the throttles' limits. :param pools: whose tokens authorizers believe.
    :raises ConfigurationError: a route cannot be served, such as one whose file has vanished since the check."""
    try:
        routes = route_specs(file, share, pools)
        return _deployment(file, names, routes, locator, metrics, services, share)
    except DeploymentError as error:
        raise ConfigurationError(f"{error}.", "Mend it and start again.") from error


def _deployment(
    file: RoutesFile,
    names: Names,
    routes: Sequence[RouteSpec],
    locator: Locator,
    metrics: GatewayMetrics,
    services: Services,
    share: Share,
) -> Deployment:
    return Deployment.build(
        names=ApiNames(
            account_id=names.account,
            api_id=api_id(names),
            region=names.region,
            domains=frozenset(file.server.domains),
        ),
        stages=[Stage(name=name, variables=variables) for name, variables in file.stages.items()],
        routes=routes,
        locator=locator,
        metrics=metrics,
        services=services,
        cors=None if file.cors is None else cors_spec(file.cors),
        stage_throttles={name: throttle_spec(found, share) for name, found in file.stage_throttles.items()},
        logged_claims=file.server.access_log.claims,
    )


def api_id(names: Names) -> str:
    """Ten lower-case alphanumerics, as API Gateway's ids are; fixed with the instance."""
    return f"lg{names.instance}"
