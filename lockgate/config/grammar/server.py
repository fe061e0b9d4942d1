"""The ``server:``, ``defaults:``, ``stages:`` and ``cors:`` sections."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from lockgate.config.grammar.base import Section, refuse
from lockgate.config.grammar.scalars import (
    CorsMaxAge,
    FunctionTimeout,
    IdleTimeout,
    MemoryLimit,
    MemoryMb,
    MemoryShare,
    StorageMb,
    Text,
    key_schema,
    named,
    text_schema,
)

DEFAULT_STAGE = "$default"
MAX_STAGE_VARIABLES = 100  # API Gateway's quota

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*|\[[0-9a-fA-F:.]+\]"
_host = named(_HOST, "a host name", "no scheme, port or path", code="wrong-value")
_STAGE = r"\$default|[A-Za-z0-9_-]{1,128}"
_STAGE_VALUE = r"[A-Za-z0-9._~:/?#&=,-]+"


def _lower_host(value: object) -> str:
    if isinstance(value, str) and "://" in value:
        host = value.partition("://")[2].partition("/")[0].partition(":")[0]
        raise refuse("wrong-value", f'"{value[:80]}" is an address; a host name is needed', f"write {host}")
    return _host(value).lower()


Host = Annotated[str, PlainValidator(_lower_host), text_schema(_HOST)]
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


class Smtp(Section):
    """Where mail is handed over."""

    host: Text = Field(description="Host of the mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    sender: Text = Field(alias="from", description="Address that mail comes from.")
    username: Text | None = Field(default=None, description="User name, if the server wants one.")
    password: Text | None = Field(default=None, description='Its password, as a reference: "${env:NAME}".')


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
    log_mb: int = Field(
        default=200, ge=1, le=1_000_000, description="Disk for function logs, in MB; the oldest go first."
    )


class Server(Section):
    """What holds for the whole server."""

    gateway_url: Text | None = Field(default=None, description="Public address of the API.")
    auth_url: Text | None = Field(
        default=None, description="Public address of the sign-in pages; the issuer."
    )
    domains: tuple[Host, ...] = Field(
        default=(), strict=False, description="Host names that are answered; others get 403. None: any Host."
    )
    trusted_proxies: tuple[Text, ...] = Field(
        default=(),
        strict=False,
        description="Addresses and networks whose X-Forwarded-* headers are believed.",
    )
    database: Text | None = Field(default=None, description='sqlite, or "postgresql://…".')
    smtp: Smtp | None = Field(default=None, description="Where mail is handed over.")
    limits: Limits = Field(default_factory=Limits, description="Caps of this machine.")


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


NO_STAGES: Mapping[str, Mapping[str, str]] = MappingProxyType({DEFAULT_STAGE: {}})

CorsMethod = Literal["*", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class Cors(Section):
    """Which other origins a browser may let call the API."""

    allow_origins: tuple[Text, ...] = Field(
        default=(), strict=False, description="Origins (scheme://host[:port]), *, https://* or http://*."
    )
    allow_methods: tuple[CorsMethod, ...] = Field(default=(), strict=False, description="Methods, or *.")
    allow_headers: tuple[Text, ...] = Field(default=(), strict=False, description="Request headers, or *.")
    expose_headers: tuple[Text, ...] = Field(
        default=(), strict=False, description="Response headers that scripts may read."
    )
    max_age_s: CorsMaxAge | None = Field(
        default=None, alias="max_age", description="How long a browser may keep the answer to a preflight."
    )
    allow_credentials: bool = Field(default=False, description="Whether cookies and logins may be sent.")
