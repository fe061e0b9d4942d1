"""What a sign-in flow can refuse, in Cognito's words. Each dialect renders them once, at its edge.

``code`` is Cognito's exception without its suffix; ``str(error)`` may be shown to a client; ``detail`` is for the log
and never holds a password, a code or a token.
"""

from typing import ClassVar


class AuthError(Exception):
    """:ivar code: as ``NotAuthorized``. :ivar detail: for the log only."""

    code: ClassVar[str] = "InternalError"
    default: ClassVar[str] = "Something went wrong."

    def __init__(self, message: str = "", *, detail: str = "") -> None:
        super().__init__(message or self.default)
        self.detail = detail


class NotAuthorized(AuthError):
    """Also what an unknown user is answered (B6)."""

    code = "NotAuthorized"
    default = "Incorrect username or password."


class LockedOut(NotAuthorized):
    """Too many wrong passwords lately; a right one would be refused as well (B7)."""

    default = "Password attempts exceeded"


class PasswordResetRequired(AuthError):
    code = "PasswordResetRequired"
    default = "Password reset required for the user"


class UserNotConfirmed(AuthError):
    """Only told after the password was right."""

    code = "UserNotConfirmed"
    default = "User is not confirmed."


class UserNotFound(AuthError):
    """Only told where nobody can probe: by the operator's tools."""

    code = "UserNotFound"
    default = "User does not exist."


class UsernameExists(AuthError):
    code = "UsernameExists"
    default = "User already exists"


class AliasExists(AuthError):
    code = "AliasExists"
    default = "An account with the given email already exists."


class InvalidPassword(AuthError):
    """It does not conform with the pool's policy."""

    code = "InvalidPassword"
    default = "Password did not conform with policy"


class InvalidParameter(AuthError):
    code = "InvalidParameter"
    default = "Invalid parameter."


class CodeMismatch(AuthError):
    code = "CodeMismatch"
    default = "Invalid verification code provided, please try again."


class ExpiredCode(AuthError):
    """Too old, used up by wrong answers, or never sent."""

    code = "ExpiredCode"
    default = "Invalid code provided, please request a code again."


class UsedCode(ExpiredCode):
    """Of an authenticator app; it was right the first time."""

    default = "Your software token has already been used once."


class SoftwareTokenNotFound(AuthError):
    code = "SoftwareTokenMFANotFound"
    default = "Software token has not been associated with the user."


class EnableSoftwareToken(AuthError):
    """The first code of a new authenticator was wrong."""

    code = "EnableSoftwareTokenMFA"
    default = "Code mismatch"


class InvalidSession(NotAuthorized):
    """A challenge that was answered before, is too old, or never was."""

    default = "Invalid session for the user, session is expired."


class LimitExceeded(AuthError):
    code = "LimitExceeded"
    default = "Attempt limit exceeded, please try after some time."


class TooManyRequests(AuthError):
    code = "TooManyRequests"
    default = "Too many requests"


class ResourceNotFound(AuthError):
    """A pool, client or group that does not exist."""

    code = "ResourceNotFound"
    default = "It does not exist."


class Unavailable(AuthError):
    """The database does not answer, or too much waits already: 503, try again."""

    code = "ServiceUnavailable"
    default = "Service Unavailable"


class Overloaded(Unavailable):
    """A lane has no room: nothing is broken, and a little later there is some."""


class CodeDeliveryFailure(AuthError):
    code = "CodeDeliveryFailure"
    default = "Could not send the code."


class MfaMethodNotFound(AuthError):
    code = "MFAMethodNotFound"
    default = "No MFA mechanism found in the account."


class RefreshTokenReuse(NotAuthorized):
    """A refresh token that was rotated away, after the grace: its family is dead (A7)."""

    code = "RefreshTokenReuse"
    default = "Refresh token has been reused."


class Unauthorized(AuthError):
    """What RevokeToken says where others say NotAuthorized."""

    code = "Unauthorized"
    default = "Unauthorized."


class UnsupportedTokenType(AuthError):
    code = "UnsupportedTokenType"
    default = "Unsupported token type."


class UnsupportedOperation(AuthError):
    """An action of the model that this server does not do, or a setting that it does not have."""

    code = "UnsupportedOperation"
    default = "This operation is not supported here."


class GroupExists(AuthError):
    code = "GroupExists"
    default = "A group with the name already exists."


class UnsupportedUserState(AuthError):
    code = "UnsupportedUserState"
    default = "The request cannot be done for a user in this state."


class ConcurrentModification(AuthError):
    code = "ConcurrentModification"
    default = "It was changed by somebody else meanwhile."


class TriggerRefusal(AuthError):
    """A pool's trigger said no, or nothing that could be understood: shown to the client, as Cognito does."""


class UserLambdaValidation(TriggerRefusal):
    """A trigger raised: what it said is for the client."""

    code = "UserLambdaValidation"
    default = "A trigger refused it."


class InvalidLambdaResponse(TriggerRefusal):
    code = "InvalidLambdaResponse"
    default = "Unrecognizable lambda output"


class UnexpectedLambda(TriggerRefusal):
    """A trigger could not be run, or gave no answer in time."""

    code = "UnexpectedLambda"
    default = "A trigger could not be run."


class InvalidOAuthFlow(AuthError):
    code = "InvalidOAuthFlow"
    default = "The OAuth flow is not valid for this client."


class ScopeDoesNotExist(AuthError):
    code = "ScopeDoesNotExist"
    default = "The scope does not exist."
