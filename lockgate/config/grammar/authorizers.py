"""The ``authorizers:`` section."""

from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from gateway.authorizers.jwt.spec import DEFAULT_IDENTITY_SOURCE
from gateway.fields import is_withheld
from gateway.selection import CONTEXT_NAMES, Selection, SelectionError
from kit.jwt.algorithms import FAMILIES, RS_FAMILY
from lockgate.config.grammar.base import Section, refuse
from lockgate.config.grammar.scalars import (
    CacheTime,
    FunctionReference,
    Leeway,
    NameReference,
    Payload,
    Text,
    choice,
    closest,
    text_of,
    text_schema,
)

MAX_AUDIENCE = 50  # API Gateway's quota
MAX_IDENTITY_SOURCES = 10
FUNCTION_AUTHORIZER_TIMEOUT_S = 10.0  # API Gateway waits no longer for an authorizer's function

_SOURCE_SCHEMA = r"\$(request\.(header|querystring)|context|stageVariables)\..+"
_BEARER_SCHEMA = r"\$request\.(header|querystring)\..+"


def _source(value: object) -> Selection:
    text = text_of(value)
    try:
        return Selection.parse(text)
    except SelectionError as error:
        raise refuse(
            "bad-identity-source", f'"{text[:80]}" names no place in a request: {error}', _hint(text)
        ) from error


def _token_source(value: object) -> Selection:
    if isinstance(value, list):
        hint = f"write {value[0]}" if len(value) == 1 else "name one"
        raise refuse("wrong-type", "a token has one place: text is needed here, not a list", hint)
    text = text_of(value)
    if text.startswith(("$context", "$stageVariables")):  # J14
        reason = f"a token is in a header or in the query string, not in {text[:80]}"
        raise refuse("bad-identity-source", reason, f"write {DEFAULT_IDENTITY_SOURCE.text}")
    return _source(text)


def _hint(text: str) -> str:
    """The usual slips: the REST API's ``method.request`` words, a missing ``$request``, a bare header name."""
    if text.startswith("$context."):
        return closest(text.removeprefix("$context."), CONTEXT_NAMES)
    name = text.rpartition(".")[2].replace("_", "-") or "Authorization"
    if is_withheld(name.lower()):
        return "where a request came from is $context.identity.sourceIp"
    return f"write $request.{'querystring' if 'query' in text.lower() else 'header'}.{name[:60]}"


def _algorithm(value: object) -> str:
    text = text_of(value)
    if text.upper().startswith("HS"):
        reason = f"{text[:10]} signs with a shared secret; an issuer publishes keys"
        raise refuse("wrong-value", reason, f"possible: {', '.join(_ALGORITHMS)}")
    return _known_algorithm(text)


_ALGORITHMS = tuple(algorithm for family in FAMILIES for algorithm in family)
_known_algorithm = choice(*_ALGORITHMS)
IdentitySource = Annotated[Selection, PlainValidator(_source), text_schema(_SOURCE_SCHEMA)]
TokenSource = Annotated[Selection, PlainValidator(_token_source), text_schema(_BEARER_SCHEMA)]
Algorithm = Annotated[str, PlainValidator(_algorithm), WithJsonSchema({"enum": list(_ALGORITHMS)})]


class JwtAuthorizer(Section):
    """Accepts signed tokens of one issuer."""

    type: Literal["jwt"] = Field(description="Kind of authorizer.")
    user_pool: NameReference | None = Field(
        default=None, description="One of user_pools; its tokens are accepted."
    )
    clients: tuple[Text, ...] = Field(
        default=(), strict=False, description="Clients of the pool whose tokens are accepted; none: all."
    )
    issuer: Text | None = Field(
        default=None, description="Who signs the tokens: an https URL, exactly as in their iss claim."
    )
    audience: tuple[Text, ...] = Field(
        default=(),
        strict=False,
        max_length=MAX_AUDIENCE,
        description="Accepted aud values; where a token has no aud, accepted client_id values.",
    )
    identity_source: TokenSource = Field(
        default=DEFAULT_IDENTITY_SOURCE,
        description="Where the token is in a request: one header or query name.",
    )
    algorithms: tuple[Algorithm, ...] = Field(
        default=RS_FAMILY,
        strict=False,
        min_length=1,
        description="Accepted signatures, of one family: RS*, PS* or ES* (default RS256, RS384, RS512).",
    )
    leeway_s: Leeway = Field(
        default=0, alias="leeway", description="How far the issuer's clock may be off, 0s (default) to 60s."
    )
    token_use: Literal["access", "id"] | None = Field(
        default=None, description="Accept only this kind of token; the default is not to look."
    )
    allow_http: bool = Field(
        default=False,
        description="true: the issuer may be plain http beyond this machine; anybody can forge it.",
    )


class FunctionAuthorizer(Section):
    """Asks a function."""

    type: Literal["function"] = Field(description="Kind of authorizer.")
    function: FunctionReference = Field(description="The function that decides.")
    identity_source: tuple[IdentitySource, ...] = Field(
        default=(),
        strict=False,
        max_length=MAX_IDENTITY_SOURCES,
        description="What must be present, else 401 without a call; in this order the key of the cache.",
    )
    payload: Payload = Field(default="2.0", description="Format of the event.")
    simple_responses: bool | None = Field(
        default=None,
        description="Whether the function answers {isAuthorized: …}; false: an IAM policy. Default: true for 2.0.",
    )
    ttl_s: CacheTime = Field(
        default=0.0, alias="ttl", description="How long an answer is kept (default: not)."
    )

    @property
    def has_simple_responses(self) -> bool:
        """Format 1.0 knows policies only."""
        return self.payload == "2.0" if self.simple_responses is None else self.simple_responses


Authorizer = Annotated[JwtAuthorizer | FunctionAuthorizer, Field(discriminator="type")]
