"""The ``functions:`` section."""

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from lockgate.config.grammar.base import Section
from lockgate.config.grammar.image_reference import ImageReference
from lockgate.config.grammar.scalars import (
    FunctionTimeout,
    IdleTimeout,
    MemoryMb,
    StorageMb,
    Text,
    VariableName,
    named,
    text_schema,
)

MAX_LAYERS = 5  # Lambda's limit
MAX_NETWORKS = 16  # each is an interface in every container of the function
MAX_ALLOWED = 64  # each is a rule of the machine's firewall for every container of the function

# Source: Docker Engine, names of networks and OCI runtimes.
_ENGINE_NAME = "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}"
_NETWORK_RULE = "letters, digits, -, _ and ."
NetworkName = Annotated[
    str,
    PlainValidator(named(_ENGINE_NAME, "a network's name", _NETWORK_RULE, code="bad-network")),
    text_schema(_ENGINE_NAME),
]
SandboxName = Annotated[
    str,
    PlainValidator(named(_ENGINE_NAME, "a runtime's name", "such as runsc", code="wrong-value")),
    text_schema(_ENGINE_NAME),
]


class Concurrency(Section):
    """How many environments a function may and shall have."""

    reserved: int | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="At most this many invocations at once; 0 switches it off.",
    )
    provisioned: int | None = Field(
        default=None, ge=0, le=100_000, description="Environments that are kept ready."
    )


class Network(Section):
    """What a function may reach."""

    egress: Literal["internet", "none"] = Field(default="internet", description="internet or none.")
    join: tuple[NetworkName, ...] = Field(
        default=(), strict=False, max_length=MAX_NETWORKS, description="Networks of the engine to join."
    )
    allow: tuple[Text, ...] = Field(
        default=(),
        strict=False,
        max_length=MAX_ALLOWED,
        description="Private addresses (address:port, or address) that may be reached all the same.",
    )


class Function(Section):
    """One function."""

    code: Text | None = Field(default=None, description="A folder, a .zip or a .jar, relative to this file.")
    image: ImageReference | None = Field(
        default=None, description="A container image with a runtime of its own, instead of code."
    )
    command: tuple[Text, ...] | None = Field(
        default=None, strict=False, description="Instead of the image's CMD, such as [app.handler]."
    )
    entry_point: tuple[Text, ...] | None = Field(
        default=None, strict=False, description="Instead of the image's ENTRYPOINT."
    )
    working_directory: Text | None = Field(default=None, description="Instead of the image's WORKDIR.")
    handler: Text | None = Field(
        default=None, description="module.function; not needed for runtime provided."
    )
    runtime: Text | None = Field(default=None, description="Such as python3.13, or provided.")
    environment: dict[VariableName, Text] = Field(
        default_factory=dict, description="Variables of the function; values are text, 4 KB in all."
    )
    memory_mb: MemoryMb | None = Field(
        default=None, alias="memory", description="Memory of an environment in MB."
    )
    timeout_s: FunctionTimeout | None = Field(
        default=None, alias="timeout", description="The function's own timeout."
    )
    storage_mb: StorageMb | None = Field(default=None, alias="storage", description="Size of /tmp in MB.")
    idle_timeout_s: IdleTimeout | None = Field(
        default=None,
        alias="idle_timeout",
        description="After this long without work an environment goes away.",
    )
    layers: tuple[Text, ...] = Field(
        default=(), strict=False, max_length=MAX_LAYERS, description="Layers, lowest first."
    )
    concurrency: Concurrency = Field(default=Concurrency(), description="How many environments at once.")
    network: Network = Field(default=Network(), description="What the function may reach.")
    cpu: Literal["shared", "strict"] = Field(
        default="shared", description="shared: weight by memory; strict: quota by memory."
    )
    isolation: Literal["environment", "invocation"] = Field(
        default="environment",
        description="environment: calls follow each other in one; invocation: each call has its own.",
    )
    sandbox: SandboxName | None = Field(
        default=None, description="The engine's OCI runtime for its containers, such as runsc."
    )
    volumes: dict[VariableName, Text] = Field(
        default_factory=dict,
        description="Variable → folder below this file's own, shared by all environments of the function.",
    )
