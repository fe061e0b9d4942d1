"""The top level of routes.yaml, and its resolved form."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar, cast

from pydantic import Field, PlainValidator, PrivateAttr

from executor.revision import ImageConfig, NetworkConfig
from gateway.route_key import RouteKey
from kit.names import DEFAULT_ACCOUNT, DEFAULT_REGION
from kit.positioned_yaml import KeyPath, Mark, Position
from lockgate.config.grammar.authorizers import Authorizer
from lockgate.config.grammar.base import Section, refuse
from lockgate.config.grammar.cors import Cors
from lockgate.config.grammar.functions import Function
from lockgate.config.grammar.identity import UserPool
from lockgate.config.grammar.routes import Respond, Route
from lockgate.config.grammar.scalars import (
    AuthorizerName,
    FunctionName,
    Name,
    key_schema,
    named,
    text_of,
    text_schema,
)
from lockgate.config.grammar.server import NO_STAGES, Defaults, Server, Stage, StageName
from lockgate.config.grammar.throttle import Throttle
from lockgate.config.resolved import IMAGE_RUNTIME, ResolvedFunction, ResolvedRespond, ResolvedRoute

T = TypeVar("T")
# Loosely: gateway.route_key has the rules, and better words for what breaks them.
RouteKeyText = Annotated[str, PlainValidator(text_of), key_schema(r"\$default|[A-Za-z]+ +/.*")]

FORMAT_VERSION = 1
DEFAULT_ROUTE_TIMEOUT_S = 30.0  # API Gateway's
PROVIDED_HANDLER = "bootstrap"

_REGION = "[a-z]{2}(-[a-z]+)+-[0-9]"
_ACCOUNT = "[0-9]{12}"
Region = Annotated[
    str,
    PlainValidator(named(_REGION, "a region", "as us-east-1", code="wrong-value")),
    text_schema(_REGION),
]
Account = Annotated[
    str,
    PlainValidator(named(_ACCOUNT, "an account id", "twelve digits, in quotes", code="wrong-value")),
    text_schema(_ACCOUNT),
]


def _version(value: object) -> Literal[1]:
    if type(value) is not int:
        raise refuse("wrong-type", "the version is a number", f"write version: {FORMAT_VERSION}")
    if value != FORMAT_VERSION:
        reason = f"this program reads version {FORMAT_VERSION} of the format, not {value}"
        raise refuse("version-unsupported", reason, f"write version: {FORMAT_VERSION}")
    return 1


class RoutesFile(Section):
    """Which function answers which route, and who may call it."""

    version: Annotated[Literal[1], PlainValidator(_version)] = Field(
        description="Version of this format: 1.", json_schema_extra={"const": 1}
    )
    region: Region = Field(default=DEFAULT_REGION, description="Appears in ids, ARNs and signatures.")
    account_id: Account = Field(
        default=DEFAULT_ACCOUNT, description="Twelve digits, quoted; appears in ARNs."
    )
    server: Server = Field(default_factory=Server, description="What holds for the whole server.")
    defaults: Defaults = Field(default_factory=Defaults, description="What holds for every function.")
    declared_stages: dict[StageName, Stage] = Field(
        default_factory=dict, alias="stages", description="Stages; without any there is one, $default."
    )
    cors: Cors | None = Field(default=None, description="Which other origins a browser may let call the API.")
    user_pools: dict[Name, UserPool] = Field(default_factory=dict, description="Sets of users.")
    authorizers: dict[AuthorizerName, Authorizer] = Field(
        default_factory=dict, description="Ways of deciding who may call a route."
    )
    functions: dict[FunctionName, Function] = Field(default_factory=dict, description="Functions by name.")
    routes: dict[RouteKeyText, Route] = Field(
        default_factory=dict,
        description="Routes by key: METHOD /path with {name} and a last {name+}, or $default.",
    )

    _folder: Path = PrivateAttr(default=Path())
    _positions: Mapping[KeyPath, Position] = PrivateAttr(default_factory=dict)

    def place(self, folder: Path, positions: Mapping[KeyPath, Position]) -> None:
        """Say where the file is; the loader does, once."""
        self._folder = folder
        self._positions = positions

    @property
    def folder(self) -> Path:
        """Where paths of the file begin."""
        return self._folder

    def line_of(self, path: KeyPath) -> int | None:
        """Where a key of the file stands; None when it is not there."""
        position = self._positions.get(path)
        mark = None if position is None else position.key or position.value
        return None if mark is None else mark.line

    @property
    def stages(self) -> Mapping[str, Mapping[str, str]]:
        """Stage name → stage variables; at least one stage."""
        if not self.declared_stages:
            return NO_STAGES
        return {name: stage.variables for name, stage in self.declared_stages.items()}

    @property
    def stage_throttles(self) -> Mapping[str, Throttle]:
        """Stage name → what its routes without a throttle of their own take from together."""
        return {
            name: stage.throttle for name, stage in self.declared_stages.items() if stage.throttle is not None
        }

    def resolved_functions(self) -> dict[str, ResolvedFunction]:
        """Functions by name, in the file's order."""
        return {name: self._function(name, function) for name, function in self.functions.items()}

    def resolved_routes(self) -> list[ResolvedRoute]:
        """Routes in the file's order.

        :raises RouteKeyError: the file was not checked.
        """
        return [self._route(text, route) for text, route in self.routes.items()]

    def _function(self, name: str, function: Function) -> ResolvedFunction:
        given, general = function, self.defaults
        return ResolvedFunction(
            name=name,
            code=None if given.code is None else self._absolute(given.code),
            handler="" if given.image else given.handler or PROVIDED_HANDLER,
            runtime=IMAGE_RUNTIME if given.image else given.runtime or general.runtime,
            memory_mb=_first(given.memory_mb, general.memory_mb),
            timeout_s=_first(given.timeout_s, general.timeout_s),
            storage_mb=_first(given.storage_mb, general.storage_mb),
            idle_timeout_s=_first(given.idle_timeout_s, general.idle_timeout_s),
            environment=given.environment,
            volumes={variable: self._absolute(text) for variable, text in given.volumes.items()},
            reserved=given.concurrency.reserved,
            cpu=given.cpu,
            image=given.image,
            overrides=ImageConfig(
                command=given.command,
                entry_point=given.entry_point,
                working_directory=given.working_directory,
            ),
            provisioned=given.concurrency.provisioned or 0,
            isolation=given.isolation,
            network=NetworkConfig(
                egress=given.network.egress, join=given.network.join, allow=given.network.allow
            ),
            sandbox=given.sandbox,
        )

    def _route(self, text: str, route: Route) -> ResolvedRoute:
        position = self._positions.get(("routes", text), Position(Mark(1, 1)))
        return ResolvedRoute(
            key=RouteKey.parse(text),
            function=route.function,
            respond=None if route.respond is None else self._respond(route.respond),
            payload=cast(Literal["1.0", "2.0"], route.payload or "2.0"),
            timeout_s=_first(route.timeout_s, DEFAULT_ROUTE_TIMEOUT_S),
            auth=route.auth,
            scopes=route.scopes,
            throttle=route.throttle,
            position=position.key or position.value,
        )

    def _respond(self, respond: Respond) -> ResolvedRespond:
        return ResolvedRespond(
            status=respond.status,
            headers={name.lower(): value for name, value in respond.headers.items()},
            body=respond.body,
            file=None if respond.file is None else self._absolute(respond.file),
        )

    def _absolute(self, text: str) -> Path:
        return (self._folder / text).resolve()


def _first(given: T | None, general: T) -> T:
    return general if given is None else given
