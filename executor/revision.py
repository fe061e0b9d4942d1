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


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig:
    """What ``functions:`` says of one function, with defaults filled in.

    :param runtime: ``python3.13`` …, or ``provided``.
    :param volumes: variable name → absolute host folder that all environments of the function share.
    """

    name: str
    runtime: str
    handler: str
    memory_mb: int = 256
    timeout_s: float = 10.0
    storage_mb: int = 512
    idle_timeout_s: float = 300.0
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    reserved: int | None = None
    cpu: CpuMode = "shared"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Revision:
    """:param package: digest of the immutable package that holds the code."""

    digest: str
    config: FunctionConfig
    package: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Revision) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @classmethod
    def of(cls, config: FunctionConfig, package: str) -> "Revision":
        identity = orjson.dumps({"config": asdict(config), "package": package}, option=orjson.OPT_SORT_KEYS)
        return cls(digest=hashlib.sha256(identity).hexdigest()[:32], config=config, package=package)
