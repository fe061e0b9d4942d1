"""What the pools' Lambda triggers are asked by the flows: the seam; `auth.triggers` calls the functions.

A flow asks with values, and gets the trigger's response as a mapping that has been checked for its shape; without a
trigger the answer is None and nothing is called. Never called while a transaction is open: a trigger may call the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from auth.pool import Pool
from auth.user import User

# As Cognito names the client where there is none: of an administrator.
NO_CLIENT = "CLIENT_ID_NOT_APPLICABLE"

TriggerName = Literal[
    "pre_sign_up",
    "post_confirmation",
    "pre_authentication",
    "post_authentication",
    "pre_token_generation",
    "custom_message",
    "define_auth_challenge",
    "create_auth_challenge",
    "verify_auth_challenge_response",
    "user_migration",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """:param source: as ``PreSignUp_SignUp``. :param username: the real one; the typed one where nobody has it.

    :param attributes: of the user, all text, ``sub`` and ``cognito:user_status`` among them.
    :param request: what the trigger's request has beside ``userAttributes``. :param response: its keys with defaults.
    :param version: of the event's form: "1", "2".
    """

    trigger: TriggerName
    source: str
    username: str
    client_id: str
    attributes: Mapping[str, str] | None
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    response: Mapping[str, Any] = field(default_factory=dict)
    version: str = "1"


class Triggers(Protocol):
    def has(self, pool: Pool, trigger: TriggerName, /) -> bool: ...

    def ask(self, pool: Pool, asked: Asked, /) -> Mapping[str, Any] | None:
        """:returns: the ``response`` of what the function returned; None: the pool has no such trigger.

        :raises UserLambdaValidation, UnexpectedLambda, InvalidLambdaResponse: it failed; so does what asked.
        """
        ...


class NoTriggers:
    def has(self, _pool: Pool, _trigger: TriggerName, /) -> bool:
        return False

    def ask(self, _pool: Pool, _asked: Asked, /) -> Mapping[str, Any] | None:
        return None


NO_TRIGGERS = NoTriggers()


def user_attributes(user: User) -> dict[str, str]:
    """What a trigger sees of somebody: all of it text."""
    return {"sub": user.sub, "cognito:user_status": user.status, **user.attributes}
