"""Asks a pool's trigger ``pre_token_generation`` what the tokens that are about to be signed shall say."""

from collections.abc import Mapping
from typing import Any, Literal

from auth.client import Client
from auth.flows.triggers import Asked, Triggers, user_attributes
from auth.grant import Grant
from auth.pool import Pool
from auth.tokens.overrides import Overrides, overrides_of
from auth.user import User

TokenSource = Literal[
    "TokenGeneration_HostedAuth",
    "TokenGeneration_Authentication",
    "TokenGeneration_NewPasswordChallenge",
    "TokenGeneration_AuthenticateDevice",
    "TokenGeneration_RefreshTokens",
]
NOTHING: Mapping[str, str] = {}
NOBODY = "ClientCredentials"  # as Cognito names the user where there is none


class BeforeTokens:
    """:param triggers: the same that flows ask."""

    def __init__(self, triggers: Triggers) -> None:
        self._triggers = triggers

    def of_user(
        self,
        pool: Pool,
        client: Client,
        user: User,
        grant: Grant,
        scopes: tuple[str, ...],
        *,
        source: TokenSource | None,
        metadata: Mapping[str, str] = NOTHING,
    ) -> Overrides:
        """:param source: None: what the grant came of.

        :raises UserLambdaValidation, InvalidLambdaResponse, UnexpectedLambda: there are no tokens.
        """
        groups = {
            "groupsToOverride": list(user.groups),
            "iamRolesToOverride": [],
            "preferredRole": None,
        }
        asked = Asked(
            trigger="pre_token_generation",
            source=source or _source(grant),
            username=user.username,
            client_id=client.client_id,
            attributes=user_attributes(user),
            request=_request(pool, groups, scopes, metadata),
            version=pool.claims_event,
        )
        return overrides_of(self._triggers.ask(pool, asked))

    def of_client(
        self,
        pool: Pool,
        client: Client,
        scopes: tuple[str, ...],
        metadata: Mapping[str, str] = NOTHING,
    ) -> Overrides:
        """Only the third version of the event is about clients that sign in as themselves."""
        if pool.claims_event != "3":
            return Overrides()
        asked = Asked(
            trigger="pre_token_generation",
            source="TokenGeneration_ClientCredentials",
            username=NOBODY,
            client_id=client.client_id,
            attributes={},
            request=_request(pool, None, scopes, metadata),
            version=pool.claims_event,
        )
        return overrides_of(self._triggers.ask(pool, asked))


def _request(
    pool: Pool, groups: dict[str, Any] | None, scopes: tuple[str, ...], metadata: Mapping[str, str]
) -> dict[str, Any]:
    request = {"groupConfiguration": groups, "clientMetadata": dict(metadata) or None}
    return request if pool.claims_event == "1" else {**request, "scopes": list(scopes)}


def _source(grant: Grant) -> TokenSource:
    return "TokenGeneration_Authentication" if grant.kind == "api" else "TokenGeneration_HostedAuth"
