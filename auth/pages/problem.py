"""What is wrong with a form, in the reader's words: which field, which text, and what a flow's refusal means here."""

import dataclasses
from collections.abc import Mapping

from auth.errors import (
    AliasExists,
    AuthError,
    CodeMismatch,
    EnableSoftwareToken,
    ExpiredCode,
    InvalidParameter,
    InvalidPassword,
    InvalidSession,
    LimitExceeded,
    LockedOut,
    NotAuthorized,
    PasswordResetRequired,
    SoftwareTokenNotFound,
    TooManyRequests,
    TriggerRefusal,
    Unavailable,
    UsedCode,
    UsernameExists,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """:param text: a key of the texts. :param field: whose input it is about; None: the form's."""

    text: str
    field: str | None = None
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Refused(Exception):
    """The form is shown again. :ivar status: of that page."""

    def __init__(self, *problems: Problem, status: int = 400) -> None:
        super().__init__(", ".join(problem.text for problem in problems))
        self.problems = problems
        self.status = status


# The first that fits. Names and wrong passwords are one text (B6); it belongs to no field, as it may be either.
_MEANINGS: tuple[tuple[type[AuthError], str, str | None, int], ...] = (
    (LockedOut, "problem.locked", None, 400),
    (InvalidSession, "problem.expired", None, 400),
    (NotAuthorized, "problem.refused", None, 400),
    (PasswordResetRequired, "problem.must_reset", None, 400),
    (InvalidPassword, "problem.policy", "password", 400),
    (CodeMismatch, "problem.code", "code", 400),
    (EnableSoftwareToken, "problem.code", "code", 400),
    (UsedCode, "problem.code", "code", 400),
    (ExpiredCode, "problem.code_expired", "code", 400),
    (SoftwareTokenNotFound, "problem.expired", None, 400),
    (AliasExists, "problem.taken", None, 400),
    (UsernameExists, "problem.taken_name", None, 400),
    (InvalidParameter, "problem.invalid", None, 400),
    (LimitExceeded, "problem.too_many", None, 429),
    (TooManyRequests, "problem.too_many", None, 429),
    (Unavailable, "problem.unavailable", None, 503),
)


def refusal_of(error: AuthError, rule: str = "") -> Refused:
    """:param rule: what a password must be, for the one refusal that says so."""
    if isinstance(error, TriggerRefusal):
        return Refused(Problem(text="problem.said", values={"said": str(error)}))
    for kind, text, name, status in _MEANINGS:
        if isinstance(error, kind):
            return Refused(Problem(text=text, field=name, values={"rule": rule}), status=status)
    return Refused(Problem(text="problem.other"), status=500)
