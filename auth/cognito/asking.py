"""Which actions may ask a pool's triggers: they wait on lanes of their own, where a slow function stops nobody else.

The others never do. So a trigger's function may call them while all threads of its pool wait for triggers.
"""

from typing import Final

ASKING: Final = frozenset(
    [
        "AdminConfirmSignUp",
        "AdminCreateUser",
        "AdminInitiateAuth",
        "AdminResetUserPassword",
        "AdminRespondToAuthChallenge",
        "AdminUpdateUserAttributes",
        "ConfirmForgotPassword",
        "ConfirmSignUp",
        "ForgotPassword",
        "GetTokensFromRefreshToken",
        "GetUserAttributeVerificationCode",
        "InitiateAuth",
        "ResendConfirmationCode",
        "RespondToAuthChallenge",
        "SignUp",
        "UpdateUserAttributes",
    ]
)
