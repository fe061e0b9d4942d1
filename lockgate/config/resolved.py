"""What the rest of the program uses of a checked file: defaults merged, paths absolute, units in names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from executor.revision import ImageConfig, NetworkConfig
from gateway.route_key import RouteKey
from kit.positioned_yaml import Mark
from lockgate.config.grammar.throttle import Throttle

NO_OVERRIDES = ImageConfig()
DEFAULT_NETWORK = NetworkConfig()
ARCHIVES = (".zip", ".jar")  # how code that is no folder is called; both are zip files
IMAGE_RUNTIME = "image"  # of a function that is a container image


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedFunction:
    """One function, complete.

    :param code: absolute; a folder or an archive; None beside `image`.
    :param image: a reference to a container image with a runtime of its own; `runtime` is ``image`` then.
    :param overrides: of the image's own words.
    :param handler: ``bootstrap`` for a ``provided`` function that names none; empty beside `image`.
    :param volumes: variable name → absolute folder, which need not exist yet.
    :param reserved: None means that the function shares what is left.
    """

    name: str
    code: Path | None
    handler: str
    runtime: str
    memory_mb: int
    timeout_s: float
    storage_mb: int
    idle_timeout_s: float
    environment: Mapping[str, str] = field(repr=False)  # may hold secrets
    volumes: Mapping[str, Path]
    reserved: int | None
    cpu: Literal["shared", "strict"]
    image: str | None = None
    overrides: ImageConfig = NO_OVERRIDES
    provisioned: int = 0
    isolation: Literal["environment", "invocation"] = "environment"
    network: NetworkConfig = DEFAULT_NETWORK
    sandbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRespond:
    """An answer without a function; at most one of `body` and `file` is set.

    :param headers: names in lower case.
    :param file: absolute, below the configuration file's folder.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)  # may hold secrets
    body: str | None = field(repr=False)
    file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRoute:
    """One route; exactly one of `function` and `respond` is set.

    :param timeout_s: how long a client waits, queue and start included.
    :param auth: the authorizer that callers must pass; None: anybody may call.
    :param scopes: any one of them is enough; none: the token alone is.
    :param throttle: None: its stage's, if that has one.
    :param position: of the route's key in the file.
    """

    key: RouteKey
    function: str | None
    respond: ResolvedRespond | None
    payload: Literal["1.0", "2.0"]
    timeout_s: float
    position: Mark
    auth: str | None = None
    scopes: tuple[str, ...] = ()
    throttle: Throttle | None = None
