"""The ``server:``, ``defaults:`` and ``stages:`` sections."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from executor.drivers.docker.engine.address import EngineAddress
from kit.networks import Network
from lockgate.config.grammar.addresses import DatabaseUrl, Host, PublicUrl, TrustedNetwork
from lockgate.config.grammar.base import Section, refuse
from lockgate.config.grammar.image_reference import ImageReference
from lockgate.config.grammar.scalars import (
    FunctionName,
    FunctionTimeout,
    IdleTimeout,
    MemoryLimit,
    MemoryMb,
    MemoryShare,
    StorageMb,
    Text,
    key_schema,
    named,
    text_of,
    text_schema,
)
from lockgate.config.grammar.throttle import ClaimName, Throttle

DEFAULT_STAGE = "$default"
MAX_STAGE_VARIABLES = 100  # API Gateway's quota
MAX_LOGGED_CLAIMS = 20  # a record is one line of a log

_STAGE = "$default"
MAX_STAGE_VARIABLES = 100  # API Gateway's quota
MAX_LOGGED_CLAIMS = 20  # a record is one line of a log

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*|\[[0-9a-fA-F:.]+\]"
_host = named(_HOST, "a host name", "no scheme, port or path", code="wrong-value")
_STAGE = r"\$default|[A-Za-z0-9_-]{1,128}"
_STAGE_VALUE = r"[A-Za-z0-9._~:/?#&=,-]+"


def _engine(value: object) -> str:
    text = text_of(value)
    try:
        EngineAddress.parse(text)
    except ValueError as error:
        raise refuse("wrong-value", str(error)) from error
    return text


StageName = Annotated[
    str,
    PlainValidator(named(_STAGE, "a stage's name", "$default, or up to 128 letters, digits, - and _")),
    key_schema(_STAGE),
]
StageVariableName = Annotated[
    str,
    PlainValidator(named("[A-Za-z0-9_]{1,64}", "a stage variable's name", "up to 64 letters, digits and _")),
    key_schema("[A-Za-z0-9_]{1,64}"),
]
StageValue = Annotated[
    str,
    PlainValidator(
        named(_STAGE_VALUE, "a stage variable's value", "letters, digits and -._~:/?#&=,", code="wrong-value")
    ),
    text_schema(_STAGE_VALUE),
]

_RUNTIME = r"[a-z]+[0-9]*(?:\.(?:[0-9]+|x))?(?:\.al[0-9]+)?"
RuntimeName = Annotated[
    str,
    PlainValidator(named(_RUNTIME, "a runtime", "such as python3.13")),
    key_schema(_RUNTIME),
]
EngineUrl = Annotated[str, PlainValidator(_engine), text_schema(r"(?:unix:///|tcp://).+")]


class Smtp(Section):
    """Where mail is handed over."""

    host: Text = Field(description="Host of the mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    sender: Text = Field(alias="from", description="Address that mail comes from.")
    tls: Literal["starttls", "implicit", "none"] | None = Field(
        default=None,
        description="Encryption; default: none on this machine, implicit on port 465, else starttls.",
    )
    username: Text | None = Field(default=None, description="User name, if the server wants one.")
    password: Text | None = Field(default=None, description='Its password, as a reference: "${env:NAME}".')


class Mail(Section):
    """What delivers mail instead of a mail server."""

    function: FunctionName = Field(description="Name of the function that is given each mail.")


class Limits(Section):
    """Caps of this machine."""

    memory: MemoryShare = Field(
        default_factory=lambda: MemoryLimit(percent=75),
        description="What all environments together may use: MB, or a share of the machine (75%).",
    )
    environments: int | None = Field(
        default=None, ge=1, le=100_000, description="Environments at once, all functions together."
    )
    starts: int | None = Field(
        default=None, ge=1, le=1_000, description="Environments that may be starting at once."
    )
    slots: int | None = Field(
        default=None,
        ge=0,
        le=1_000,
        description="Containers that wait without a function, for each shape of environment; 0: none.",
    )
    log_mb: int = Field(
        default=200, ge=1, le=1_000_000, description="Disk for function logs, in MB; the oldest go first."
    )


class AccessLog(Section):
    """What the record of each request holds."""

    claims: tuple[ClaimName, ...] = Field(
        default=(),
        strict=False,
        max_length=MAX_LOGGED_CLAIMS,
        description="Claims of the caller's token to hold, such as sub; they may be personal data.",
    )


class Server(Section):
    """What holds for the whole server."""

    gateway_url: PublicUrl | None = Field(
        default=None, description="Public address of the API: https://HOST[:PORT]."
    )
    auth_url: PublicUrl | None = Field(
        default=None,
        description="Public address of the sign-in pages: https://HOST[:PORT]; issuers begin with it.",
    )
    domains: tuple[Host, ...] = Field(
        default=(), strict=False, description="Host names that are answered; others get 403. None: any Host."
    )
    trusted_proxies: tuple[TrustedNetwork, ...] = Field(
        default=(),
        strict=False,
        description="Addresses and networks whose X-Forwarded-* headers are believed.",
    )
    access_log: AccessLog = Field(
        default_factory=AccessLog, description="What the record of each request holds."
    )
    database: DatabaseUrl = Field(
        default="sqlite",
        description='Where people are kept: sqlite (in the state folder) or "postgresql://…".',
    )
    smtp: Smtp | None = Field(default=None, description="Where mail is handed over.")
    mail: Mail | None = Field(default=None, description="A function that delivers mail, instead of smtp.")
    limits: Limits = Field(default_factory=Limits, description="Caps of this machine.")
    engine: EngineUrl | None = Field(
        default=None, description="The Docker engine: unix:///PATH or tcp://HOST:PORT."
    )
    images: dict[RuntimeName, ImageReference] = Field(
        default_factory=dict, description="Runtime → the image that its functions run in."
    )
    pull: Literal["missing", "never", "always"] = Field(
        default="missing", description="When images are pulled: missing, never or always (at start)."
    )

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """Peers whose X-Forwarded-* headers are believed; never all addresses."""
        return self.trusted_proxies


class Defaults(Section):
    """What holds for every function that does not say otherwise."""

    runtime: Text = Field(default="python3.13", description="Runtime of functions.")
    memory_mb: MemoryMb = Field(default=256, alias="memory", description="Memory of an environment in MB.")
    timeout_s: FunctionTimeout = Field(
        default=10.0, alias="timeout", description="A function's own timeout (10s)."
    )
    storage_mb: StorageMb = Field(default=512, alias="storage", description="Size of /tmp in MB.")
    idle_timeout_s: IdleTimeout = Field(
        default=300.0,
        alias="idle_timeout",
        description="After this long without work an environment goes away (5m).",
    )


class Stage(Section):
    """One stage of the API."""

    variables: dict[StageVariableName, StageValue] = Field(
        default_factory=dict,
        max_length=MAX_STAGE_VARIABLES,
        description="What functions see as stageVariables.",
    )
    throttle: Throttle | None = Field(
        default=None,
        description="How many requests its routes without a throttle of their own take together.",
    )


NO_STAGES: Mapping[str, Mapping[str, str]] = MappingProxyType({DEFAULT_STAGE: {}})
