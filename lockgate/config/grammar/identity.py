"""The ``user_pools:`` section."""

from typing import Literal

from pydantic import Field

from lockgate.config.grammar.base import Section
from lockgate.config.grammar.scalars import (
    FunctionReference,
    Name,
    RefreshGrace,
    Text,
    TokenLifetime,
)

Flow = Literal["code", "srp", "password", "refresh", "client_credentials"]
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


class PasswordPolicy(Section):
    """Rules for passwords."""

    min_length: int = Field(default=8, ge=6, le=99, description="Least length.")
    require: tuple[Literal["lower", "upper", "digit", "symbol"], ...] = Field(
        default=(), strict=False, description="Kinds of characters that must occur."
    )


class Attribute(Section):
    """An attribute of users; tokens carry it as custom:NAME."""

    type: Literal["string", "number"] = Field(default="string", description="Type of the value.")
    mutable: bool = Field(default=True, description="Whether it may change after sign-up.")


class Client(Section):
    """An application that signs users in."""

    id: Text | None = Field(default=None, description="Client id; derived from pool and name if not given.")
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
    secret: Text | None = Field(default=None, description="generate, or a reference to a secret.")


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


class UserPool(Section):
    """A set of users with their clients and rules."""

    id: Text | None = Field(default=None, description="Pool id; derived from the name if not given.")
    sign_in_with: tuple[Literal["username", "email", "phone"], ...] = Field(
        default=("username",), strict=False, description="What users sign in with."
    )
    self_sign_up: bool = Field(default=False, description="Whether anybody may sign up.")
    password: PasswordPolicy = Field(default=PasswordPolicy(), description="Rules for passwords.")
    mfa: Literal["none", "optional", "required"] = Field(default="none", description="Second factor.")
    attributes: dict[Name, Attribute] = Field(
        default_factory=dict, description="Attributes of users; tokens carry them as custom:NAME."
    )
    groups: tuple[Text, ...] = Field(default=(), strict=False, description="Groups that exist.")
    resource_servers: dict[Name, dict[Name, Text]] = Field(
        default_factory=dict, description="Resource server → scope → what the scope allows."
    )
    clients: dict[Name, Client] = Field(default_factory=dict, description="Applications that sign users in.")
    token_lifetimes: TokenLifetimes = Field(
        default_factory=TokenLifetimes, description="How long tokens are valid."
    )
    triggers: dict[Trigger, FunctionReference] = Field(
        default_factory=dict, description="Functions that are called while users sign in."
    )
    identity_providers: dict[Name, IdentityProvider] = Field(
        default_factory=dict, description="Other issuers that users may sign in with."
    )
