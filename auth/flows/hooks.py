"""The moments of a sign-up and a sign-in at which a pool's triggers have a say, in the flows' own words.

What a trigger refuses, the flow refuses: its errors pass through here. Without a trigger nothing happens and nothing is
computed. Never called while a transaction is open.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auth.client import Client
from auth.errors import InvalidLambdaResponse
from auth.flows.tools import Tools
from auth.flows.triggers import Asked, user_attributes
from auth.pool import Pool
from auth.user import User

SignUpSource = Literal["PreSignUp_SignUp", "PreSignUp_AdminCreateUser"]
ConfirmedSource = Literal["PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"]
Metadata = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreSignedUp:
    """:param verified: addresses that need no code: ``email``, ``phone_number``."""

    is_confirmed: bool = False
    verified: frozenset[str] = frozenset()


class Hooks:
    """:param tools: shared with the flows."""

    def __init__(self, tools: Tools) -> None:
        self._triggers = tools.triggers

    def before_sign_up(
        self,
        pool: Pool,
        client_id: str,
        source: SignUpSource,
        username: str,
        attributes: Mapping[str, str],
        *,
        validation: Metadata,
        metadata: Metadata,
    ) -> PreSignedUp:
        """:raises UserLambdaValidation: nobody may sign up like this. :raises InvalidLambdaResponse: as
        `Triggers.ask`; also an address is to be verified that is not there."""
        answer = self._triggers.ask(
            pool,
            Asked(
                trigger="pre_sign_up",
                source=source,
                username=username,
                client_id=client_id,
                attributes=attributes,
                request={"validationData": _or_null(validation), "clientMetadata": _or_null(metadata)},
            ),
        )
        if answer is None:
            return PreSignedUp()
        wanted = {"email": answer["autoVerifyEmail"], "phone_number": answer["autoVerifyPhone"]}
        verified = frozenset(name for name, is_wanted in wanted.items() if is_wanted)
        for name in verified - attributes.keys():
            raise InvalidLambdaResponse(f"PreSignUp cannot verify {name}: the user has none.")
        return PreSignedUp(is_confirmed=answer["autoConfirmUser"], verified=verified)

    def after_confirmation(
        self, pool: Pool, client_id: str, source: ConfirmedSource, user: User, metadata: Metadata
    ) -> None:
        """:raises UserLambdaValidation: the caller is told; the user stays confirmed."""
        self._triggers.ask(
            pool,
            Asked(
                trigger="post_confirmation",
                source=source,
                username=user.username,
                client_id=client_id,
                attributes=user_attributes(user),
                request={"clientMetadata": _or_null(metadata)},
            ),
        )

    def before_authentication(
        self, pool: Pool, client: Client, user: User | None, typed: str, validation: Metadata
    ) -> None:
        """:param user: None: nobody has that name; the trigger is asked all the same, where that is not told (B6).

        :raises UserLambdaValidation: they may not sign in.
        """
        if user is None and not client.hides_users:
            return
        self._triggers.ask(
            pool,
            Asked(
                trigger="pre_authentication",
                source="PreAuthentication_Authentication",
                username=typed if user is None else user.username,
                client_id=client.client_id,
                attributes={} if user is None else user_attributes(user),
                request={"validationData": _or_null(validation), "userNotFound": user is None},
            ),
        )

    def after_authentication(self, pool: Pool, client_id: str, user: User, metadata: Metadata) -> None:
        """:raises UserLambdaValidation: they get no tokens."""
        self._triggers.ask(
            pool,
            Asked(
                trigger="post_authentication",
                source="PostAuthentication_Authentication",
                username=user.username,
                client_id=client_id,
                attributes=user_attributes(user),
                request={"newDeviceUsed": False, "clientMetadata": _or_null(metadata)},
            ),
        )


def _or_null(given: Metadata) -> dict[str, str] | None:
    return dict(given) or None
