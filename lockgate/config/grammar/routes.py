"""The ``routes:`` section. Route keys themselves are read by `gateway.route_key`."""

from typing import Annotated

from pydantic import Field, PlainValidator

from lockgate.config.grammar.base import Section
from lockgate.config.grammar.scalars import (
    AuthorizerReference,
    FunctionReference,
    Payload,
    RouteTimeout,
    Text,
    key_schema,
    named,
)
from lockgate.config.grammar.throttle import Throttle

MAX_SCOPES = 10  # API Gateway's quota

_RESPONSE_KEY = "[2-5][0-9][0-9]|[2-5]xx|default"
ResponseKey = Annotated[
    str,
    PlainValidator(named(_RESPONSE_KEY, "a status", "200 to 599, 2xx to 5xx, or default")),
    key_schema(_RESPONSE_KEY),
]


class Respond(Section):
    """An answer without a function."""

    status: int = Field(default=200, ge=200, le=599, description="Status of the answer.")
    headers: dict[Text, Text] = Field(default_factory=dict, description="Headers of the answer.")
    body: Text | None = Field(default=None, description="Body of the answer.")
    file: Text | None = Field(
        default=None, description="A file whose content is the body, below this file's folder."
    )


class Route(Section):
    """One route: who may call it and what answers."""

    function: FunctionReference | None = Field(default=None, description="The function that answers.")
    http: Text | None = Field(default=None, description="The URL that requests are passed on to.")
    respond: Respond | None = Field(default=None, description="An answer without a function.")
    public: bool = Field(default=False, description="true: anybody may call it.")
    auth: AuthorizerReference | None = Field(
        default=None, description="The authorizer that callers must pass."
    )
    scopes: tuple[Text, ...] = Field(
        default=(), strict=False, max_length=MAX_SCOPES, description="Any one of these scopes is enough."
    )
    throttle: Throttle | None = Field(
        default=None, description="How many requests it takes; without it, its stage's."
    )
    payload: Payload | None = Field(
        default=None, description='Format of the event: "2.0" (default) or "1.0".'
    )
    timeout_s: RouteTimeout | None = Field(
        default=None, alias="timeout", description="How long a client waits (default 30s); then 503."
    )
    streaming: bool = Field(default=False, description="Whether the answer is passed on as it comes.")
    request: dict[Text, Text] = Field(
        default_factory=dict, description='Changes to the request, such as "overwrite:header.x-tenant".'
    )
    response: dict[ResponseKey, dict[Text, Text]] = Field(
        default_factory=dict, description="Changes to the response, by status."
    )
