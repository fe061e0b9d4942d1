"""The ``user_pools:`` section."""

from typing import Annotated, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainValidator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from lockgate.config.grammar.base import Section
from lockgate.config.grammar.scalars import (
    FUNCTION_NAME,
    FunctionReference,
    Name,
    RefreshGrace,
    TemporaryLifetime,
    Text,
    TokenLifetime,
    key_schema,
    named,
    text_schema,
)

Flow = Literal["code", "srp", "password", "custom", "user_auth", "refresh", "client_credentials"]

# As AWS writes them: libraries read the region out of it (aws-jwt-verify refuses other shapes).
_POOL_ID = "[a-z]{2}(-[a-z]+)+-[0-9]_[A-Za-z0-9]{1,46}"
PoolId = Annotated[
    str,
    PlainValidator(named(_POOL_ID, "a pool's id", "REGION_NAME, as us-east-1_Main00001", code="bad-id")),
    text_schema(_POOL_ID),
]
_CLIENT_ID = "[A-Za-z0-9_-]{1,128}"
ClientId = Annotated[
    str,
    PlainValidator(named(_CLIENT_ID, "a client's id", "up to 128 letters, digits, - and _", code="bad-id")),
    text_schema(_CLIENT_ID),
]
_COLOUR = "#[0-9A-Fa-f]{6}"
Colour = Annotated[
    str,
    PlainValidator(named(_COLOUR, "a colour", 'six hex digits in quotes, as "#2f6f4f"', code="wrong-value")),
    text_schema(_COLOUR),
]
_GROUP = r"[^\s\x00-\x1f]{1,128}"
GroupName = Annotated[
    str,
    PlainValidator(named(_GROUP, "a group's name", "up to 128 characters without blanks")),
    text_schema(_GROUP),
]
# RFC 6749 section 3.3, without the slash that stands between server and scope.
_SCOPE = r"[\x21\x23-\x2e\x30-\x5b\x5d-\x7e]{1,256}"
ScopeName = Annotated[
    str,
    PlainValidator(
        named(_SCOPE, "a scope's name", 'no blanks, slashes and quotes; clients write "SERVER/SCOPE"')
    ),
    key_schema(_SCOPE),
]
Trigger = Literal[
    "pre_sign_up",
    "post_confirmation",
    "pre_authentication",
    "post_authentication",
    "pre_token_generation",
    "define_auth_challenge",
    "create_auth_challenge",
    "verify_auth_challenge",
    "custom_message",
    "user_migration",
]


class TriggerFunction(Section):
    """A function that is asked while users sign up, sign in and get tokens."""

    function: FunctionReference = Field(description="Name of the function.")
    version: Literal[1, 2, 3] = Field(
        default=1,
        description="Of pre_token_generation: 1 changes ID tokens, 2 access tokens too, 3 also those of clients.",
    )


class _OrItsName:
    """The name of the function alone says enough."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(_spelled_out, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "pattern": f"^{FUNCTION_NAME}$"}, handler(schema)]}


def _spelled_out(value: object) -> object:
    return value if isinstance(value, dict) else {"function": value}


TriggerReference = Annotated[TriggerFunction, _OrItsName()]


class PasswordPolicy(Section):
    """Rules for passwords."""

    min_length: int = Field(default=8, ge=6, le=99, description="Least length.")
    require: tuple[Literal["lower", "upper", "digit", "symbol"], ...] = Field(
        default=(), strict=False, description="Kinds of characters that must occur."
    )
    temporary_s: TemporaryLifetime = Field(
        default=604800.0, alias="temporary", description="How long a temporary password may be used (7d)."
    )


class Attribute(Section):
    """An attribute of users; tokens carry it as custom:NAME."""

    type: Literal["string", "number"] = Field(default="string", description="Type of the value.")
    mutable: bool = Field(default=True, description="Whether it may change after sign-up.")


class Client(Section):
    """An application that signs users in."""

    id: ClientId | None = Field(
        default=None, description="Client id; derived from pool and name if not given."
    )
    flows: tuple[Flow, ...] = Field(
        strict=False, min_length=1, description="Ways of signing in that it may use."
    )
    rotate_refresh: bool | None = Field(
        default=None, description="Whether refresh tokens rotate; the default is true for code clients."
    )
    redirect_uris: tuple[Text, ...] = Field(
        default=(), strict=False, description="Where users may return to after signing in; compared exactly."
    )
    logout_uris: tuple[Text, ...] = Field(
        default=(), strict=False, description="Where users may return to after signing out; compared exactly."
    )
    scopes: tuple[Text, ...] = Field(default=(), strict=False, description="Scopes that it may ask for.")
    secret: Text | None = Field(
        default=None, description='generate, or a reference to a secret: "${env:NAME}".'
    )
    hides_users: bool = Field(
        default=True, description="Whether an unknown user is answered as a wrong password is."
    )
    read_attributes: tuple[Text, ...] | None = Field(
        default=None, strict=False, description="Attributes of users that it is shown; default: all."
    )
    write_attributes: tuple[Text, ...] | None = Field(
        default=None, strict=False, description="Attributes that users may change through it; default: all."
    )


class TokenLifetimes(Section):
    """How long tokens are valid."""

    id_s: TokenLifetime = Field(default=3600.0, alias="id", description="ID tokens.")
    access_s: TokenLifetime = Field(default=3600.0, alias="access", description="Access tokens.")
    refresh_s: TokenLifetime = Field(default=2592000.0, alias="refresh", description="Refresh tokens.")
    refresh_grace_s: RefreshGrace = Field(
        default=10.0, alias="refresh_grace", description="A retry within this time gets the same successor."
    )


class IdentityProvider(Section):
    """Another issuer that users may sign in with."""

    type: Literal["oidc"] = Field(description="Protocol of the provider.")
    issuer: Text = Field(description="Its issuer URL.")
    client_id: Text = Field(description="Our client id there.")
    client_secret: Text | None = Field(default=None, description='Its secret, as a reference: "${env:NAME}".')


class Brand(Section):
    """What the pages of a pool look like."""

    name: Text | None = Field(
        default=None,
        min_length=1,
        max_length=60,
        description="What pages and mails call it; default: the pool's name.",
    )
    logo: Text | None = Field(
        default=None,
        description="An image of at most 256 KB: .svg, .png, .jpg or .webp; a path from the file's folder.",
    )
    colour: Colour | None = Field(default=None, description='Of buttons and links: "#2f6f4f".')


class UserPool(Section):
    """A set of users with their clients and rules."""

    id: PoolId | None = Field(default=None, description="Pool id; derived from the name if not given.")
    sign_in_with: tuple[Literal["username", "email", "phone"], ...] = Field(
        default=("username",), strict=False, min_length=1, description="What users sign in with."
    )
    case_sensitive: bool = Field(
        default=False, description="Whether Ada and ada are two user names; it cannot change later."
    )
    self_sign_up: bool = Field(default=False, description="Whether anybody may sign up.")
    password: PasswordPolicy = Field(default=PasswordPolicy(), description="Rules for passwords.")
    mfa: Literal["none", "optional", "required"] = Field(default="none", description="Second factor.")
    mfa_methods: tuple[Literal["authenticator", "email"], ...] = Field(
        default=("authenticator",),
        strict=False,
        min_length=1,
        description="What users may use as a second factor: an app, codes by mail.",
    )
    first_factors: tuple[Literal["password", "email"], ...] = Field(
        default=("password",),
        strict=False,
        min_length=1,
        description="What sign-ins of user_auth clients may begin with: a password, a code by mail.",
    )
    attributes: dict[Name, Attribute] = Field(
        default_factory=dict, description="Attributes of users; tokens carry them as custom:NAME."
    )
    groups: tuple[GroupName, ...] = Field(default=(), strict=False, description="Groups that exist.")
    resource_servers: dict[Name, dict[ScopeName, Text]] = Field(
        default_factory=dict, description="Resource server → scope → what the scope allows."
    )
    clients: dict[Name, Client] = Field(default_factory=dict, description="Applications that sign users in.")
    token_lifetimes: TokenLifetimes = Field(
        default_factory=TokenLifetimes, description="How long tokens are valid."
    )
    brand: Brand = Field(default_factory=Brand, description="What the pages look like.")
    triggers: dict[Trigger, TriggerReference] = Field(
        default_factory=dict, description="Functions that are called while users sign in."
    )
    identity_providers: dict[Name, IdentityProvider] = Field(
        default_factory=dict, description="Other issuers that users may sign in with."
    )
