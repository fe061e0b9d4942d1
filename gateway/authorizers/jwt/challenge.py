"""The values of ``www-authenticate``, written once for each route (RFC 6750 section 3)."""

import re
from collections.abc import Sequence

from gateway.errors import DeploymentError
from kit.jwt.refusal import MISSING, REFUSALS, SCOPE, Refusal

# RFC 6749 section 3.3: neither quotes nor spaces nor anything that could end a header line.
_SCOPE = re.compile(r"[!#-\[\]-~]+")


class Challenges:
    """:param scopes: of the route, in its order.

    :raises DeploymentError: one of them is no scope.
    """

    def __init__(self, scopes: Sequence[str]) -> None:
        for scope in scopes:
            if not _SCOPE.fullmatch(scope):
                raise DeploymentError(f"{scope!r} is no scope: no token can have it (RFC 6749 section 3.3)")
        self._texts = {refusal: _text(refusal, " ".join(scopes)) for refusal in REFUSALS}

    def of(self, refusal: Refusal) -> str:
        return self._texts[refusal]


def _text(refusal: Refusal, scopes: str) -> str:
    if refusal is MISSING:  # RFC 6750 section 3.1: who did not try is not told of an error
        return "Bearer"
    error = "insufficient_scope" if refusal is SCOPE else "invalid_token"
    return f'Bearer scope="{scopes}" error="{error}" error_description="{refusal.description}"'
