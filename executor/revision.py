"""A revision: the identity of what runs.

Its digest covers configuration, package and runtime; pools are keyed by it. Names, versions and ``$LATEST``
only point at one. A reload that changes nothing gives the same digest, and so keeps the warm pool.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import orjson

CpuMode = Literal["shared", "strict"]
Isolation = Literal["environment", "invocation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What overrides the image's own words; None leaves them. Source: Lambda API reference, "ImageConfig"."""

    command: tuple[str, ...] | None = None
    entry_point: tuple[str, ...] | None = None
    working_directory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """What a function may reach.

    :param join: networks of the engine. :param allow: ``address:port`` of private addresses, or ``address``.
    """

    egress: Literal["internet", "none"] = "internet"
    join: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig:
    """What ``functions:`` says of one function, with defaults filled in.

    :param runtime: ``python3.13`` …, ``provided``, or ``image`` for a container image with a runtime of its own.
    :param volumes: variable name → absolute host folder that all environments of the function share.
    :param isolation: ``invocation``: each call gets a fresh environment, thrown away after it.
    :param sandbox: the engine's OCI runtime, such as ``runsc``; None is its default.
    """

    name: str
    runtime: str
    handler: str
    memory_mb: int = 256
    timeout_s: float = 10.0
    storage_mb: int = 512
    idle_timeout_s: float = 300.0
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold secrets
    volumes: Mapping[str, str] = field(default_factory=dict)
    reserved: int | None = None
    cpu: CpuMode = "shared"
    provisioned: int = 0
    isolation: Isolation = "environment"
    network: NetworkConfig = field(default_factory=NetworkConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    sandbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Revision:
    """:param package: digest of the immutable package that holds the code; "" for a container image.
    :param image: id (``sha256:…``) of the image that environments are made of, on drivers that have images.
    """

    digest: str
    config: FunctionConfig
    package: str
    image: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Revision) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @classmethod
    def of(cls, config: FunctionConfig, package: str, image: str | None = None) -> "Revision":
        identity = orjson.dumps(
            {"config": asdict(config), "package": package, "image": image}, option=orjson.OPT_SORT_KEYS
        )
        digest = hashlib.sha256(identity).hexdigest()[:32]
        return cls(digest=digest, config=config, package=package, image=image)
