"""What a mail with a code says, where a pool's trigger ``custom_message`` has its own words.

Its text must hold the code's placeholder (and, in an invitation, that of the user name); where it does not, or the
trigger says nothing, our own text is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from auth.errors import InvalidLambdaResponse, InvalidParameter
from auth.flows.tools import Tools
from auth.flows.triggers import Asked, user_attributes
from auth.mail.message import Message
from auth.mail.plain import plain_of
from auth.pool import Pool
from auth.user import User

CODE: Final = "{####}"
USERNAME: Final = "{username}"
LINK: Final = "{##Click Here##}"

MessageSource = Literal[
    "CustomMessage_SignUp",
    "CustomMessage_AdminCreateUser",
    "CustomMessage_ResendCode",
    "CustomMessage_ForgotPassword",
    "CustomMessage_UpdateUserAttribute",
    "CustomMessage_VerifyUserAttribute",
    "CustomMessage_Authentication",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whom a mail is about, and why it is sent. :param metadata: of the client that asked for it."""

    source: MessageSource
    user: User
    client_id: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class CustomMessage:
    """:param tools: shared with the flows."""

    def __init__(self, tools: Tools) -> None:
        self._triggers = tools.triggers

    def worded(
        self, pool: Pool, about: About, ours: Message, code: str, *, username: str | None = None
    ) -> Message:
        """*ours*, or what the trigger says instead. :param username: for invitations only.

        :raises UserLambdaValidation, InvalidLambdaResponse, UnexpectedLambda: nothing may be sent.
        """
        answer = self._triggers.ask(
            pool,
            Asked(
                trigger="custom_message",
                source=about.source,
                username=about.user.username,
                client_id=about.client_id,
                attributes=user_attributes(about.user),
                request={
                    "codeParameter": CODE,
                    "linkParameter": LINK,
                    "usernameParameter": None if username is None else USERNAME,
                    "clientMetadata": dict(about.metadata) or None,
                },
            ),
        )
        text = None if answer is None else answer["emailMessage"]
        needed = {CODE} if username is None else {CODE, USERNAME}
        if answer is None or text is None or not all(each in text for each in needed):
            return ours
        subject = answer["emailSubject"] or ours.subject

        def filled(words: str) -> str:
            return words.replace(USERNAME, username or "").replace(CODE, code)

        try:
            return replace(ours, subject=filled(subject), text=filled(plain_of(text)))
        except InvalidParameter as error:  # too long, or two lines in a subject
            raise InvalidLambdaResponse(detail=str(error)) from error
