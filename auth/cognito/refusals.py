"""What the protocol itself refuses, before any action has looked: in the words of AWS's JSON services."""

from typing import ClassVar

from auth.errors import AuthError
from kit.sigv4 import SignatureError


class SerializationRefused(AuthError):
    """The body is no JSON object, or a member of it is of another type than the model says."""

    code = "Serialization"
    default = "The request could not be read."


class UnknownOperation(AuthError):
    """Nobody has such an action, or not at this listener (P5)."""

    code = "UnknownOperation"
    default = "This listener has no such operation."


class NotSigned(AuthError):
    """:ivar type: the exception as AWS calls it, which has no fixed suffix."""

    code: ClassVar[str] = "MissingAuthenticationToken"

    def __init__(self, refused: SignatureError) -> None:
        super().__init__(refused.message, detail=refused.code)
        self.type = refused.code


class WebPage(AuthError):
    """A page made a browser send it to the listener of operators."""

    code = "AccessDenied"
    default = "Requests of web pages are not accepted here."
