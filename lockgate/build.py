"""From a loaded routes file to what runs: revisions with their packages, and the gateway's deployment.

Building packages blocks on disk and pip, so it runs on worker threads. A step that fails names the function.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from executor.interpreters import Interpreter, NoInterpreter, describe_choice, find_interpreters, nearest
from executor.packages.errors import PackageError
from executor.packages.store import PackageStore
from executor.revision import FunctionConfig, Revision
from gateway.deployment import Deployment, RouteSpec
from gateway.errors import DeploymentError
from gateway.exchange import ApiNames
from gateway.integrations.function import FunctionTarget
from gateway.integrations.respond import RespondTarget
from gateway.locator import Locator
from gateway.metrics import GatewayMetrics
from gateway.services import Services
from gateway.stage import Stage
from kit.names import Names
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.resolved import ResolvedFunction, ResolvedRoute
from lockgate.door import authorizer_spec, cors_spec, throttle_spec
from lockgate.errors import ConfigurationError

Say = Callable[[str], None]


async def build_revisions(file: RoutesFile, store: PackageStore, *, cache: Path, say: Say) -> list[Revision]:
    """Make each function's package and name its revision. :raises ConfigurationError: naming the function."""
    functions = file.resolved_functions()
    if not functions:
        return []
    interpreters = await asyncio.to_thread(find_interpreters, cache)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                asyncio.to_thread(_build, function, store, interpreters, say), name=f"build {name}"
            )
            for name, function in functions.items()
        ]
    return [task.result() for task in tasks]


def _build(
    function: ResolvedFunction, store: PackageStore, interpreters: tuple[Interpreter, ...], say: Say
) -> Revision:
    interpreter = None
    try:
        if function.runtime.startswith("python"):
            interpreter = nearest(function.runtime, interpreters)
            choice = describe_choice(function.runtime, interpreter)
            if choice:
                say(f"{function.name}: {choice}")
        package = store.build(
            function.code, interpreter=interpreter, on_progress=lambda text: say(f"{function.name}: {text}")
        )
    except NoInterpreter as error:
        raise ConfigurationError(f"functions.{function.name}: {error}") from error
    except PackageError as error:
        raise ConfigurationError(
            f"functions.{function.name}: {error}", "Mend the code folder and start again."
        ) from error
    return Revision.of(config_of(function), package.digest)


def config_of(function: ResolvedFunction) -> FunctionConfig:
    return FunctionConfig(
        name=function.name,
        runtime=function.runtime,
        handler=function.handler,
        memory_mb=function.memory_mb,
        timeout_s=function.timeout_s,
        storage_mb=function.storage_mb,
        idle_timeout_s=function.idle_timeout_s,
        environment=dict(function.environment),
        volumes={name: str(path) for name, path in function.volumes.items()},
        reserved=function.reserved,
        cpu=function.cpu,
    )


def deployment_of(
    file: RoutesFile, names: Names, *, locator: Locator, metrics: GatewayMetrics, services: Services
) -> Deployment:
    """:raises ConfigurationError: a route cannot be served, such as one whose file has vanished since the check."""
    try:
        return _deployment(file, names, locator, metrics, services)
    except DeploymentError as error:
        raise ConfigurationError(f"{error}.", "Mend it and start again.") from error


def _deployment(
    file: RoutesFile, names: Names, locator: Locator, metrics: GatewayMetrics, services: Services
) -> Deployment:
    return Deployment.build(
        names=ApiNames(
            account_id=names.account,
            api_id=api_id(names),
            region=names.region,
            domains=frozenset(file.server.domains),
        ),
        stages=[Stage(name=name, variables=variables) for name, variables in file.stages.items()],
        routes=route_specs(file),
        locator=locator,
        metrics=metrics,
        services=services,
        cors=None if file.cors is None else cors_spec(file.cors),
        stage_throttles={name: throttle_spec(found) for name, found in file.stage_throttles.items()},
        logged_claims=file.server.access_log.claims,
    )


def route_specs(file: RoutesFile) -> list[RouteSpec]:
    authorizers = {name: authorizer_spec(name, authorizer) for name, authorizer in file.authorizers.items()}
    return [
        RouteSpec(
            key=route.key,
            target=_target(route),
            authorizer=None if route.auth is None else authorizers[route.auth],
            scopes=route.scopes,
            throttle=None if route.throttle is None else throttle_spec(route.throttle),
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


def api_id(names: Names) -> str:
    """Ten lower-case alphanumerics, as API Gateway's ids are; fixed with the instance."""
    return f"lg{names.instance}"
