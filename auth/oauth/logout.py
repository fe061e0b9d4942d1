"""Where a log-out leads: Cognito's parameters and those of OIDC RP-Initiated Logout 1.0, judged alike (A25).

Nothing is changed here; the session is destroyed by whoever calls, once this has passed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from auth.client import Client
from auth.errors import NotAuthorized, ResourceNotFound
from auth.oauth.authorization_request import MAX_STATE_BYTES, Directory
from auth.oauth.authorize import Authorizer
from auth.oauth.errors import PageError
from auth.oauth.parameters import MalformedParameters, Parameters, parse_parameters, size_of
from auth.oauth.redirect_uri import is_logout_registered, with_parameters
from auth.pool import Pool

if TYPE_CHECKING:
    from auth.tokens.judge import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """:param pool: whose session ends. :param location: where the browser goes; None: a page of ours says so."""

    pool: Pool
    location: str | None


class LogoutJudge:
    """See the module."""

    def __init__(
        self, *, directory: Directory, judge: "Judge", authorizer: Authorizer, clock: Callable[[], datetime]
    ) -> None:
        self._directory = directory
        self._judge = judge
        self._authorizer = authorizer
        self._clock = clock

    def read(self, query: bytes) -> Logout:
        """Runs on a lane. :raises PageError: nothing was destroyed, nobody is sent anywhere.

        :raises RedirectError: the log-in that should follow is refused.
        """
        try:
            parameters = parse_parameters(query)
        except MalformedParameters as error:
            raise _refusal() from error
        if parameters.repeated or size_of(parameters.get("state", "")) > MAX_STATE_BYTES:
            raise _refusal()
        client = self._client(parameters)
        pool = self._pool(client)
        target = _target(parameters)
        if target is not None:
            if not is_logout_registered(client, target):  # A25
                raise PageError("redirect_mismatch", "The application asks to send you where it may not.")
            state = {"state": parameters["state"]} if "state" in parameters else {}
            return Logout(pool=pool, location=with_parameters(target, state))
        if "redirect_uri" in parameters:
            self._authorizer.read(query)
            return Logout(pool=pool, location=self._authorizer.login_location(query))
        if "id_token_hint" in parameters:
            return Logout(pool=pool, location=None)
        raise _refusal()

    def _client(self, parameters: Parameters) -> Client:
        client_id = parameters.get("client_id")
        if "id_token_hint" in parameters:
            try:
                hint = self._judge.id_hint(parameters["id_token_hint"], self._clock())
            except NotAuthorized as error:
                raise _refusal() from error
            if client_id not in (None, hint.client_id):
                raise _refusal()
            client_id = hint.client_id
        try:
            return self._directory.client(client_id or "")
        except ResourceNotFound as error:
            raise PageError("invalid_client", "The application that sent you here is not known.") from error

    def _pool(self, client: Client) -> Pool:
        return self._directory.pool(client.pool_id)


def _target(parameters: Parameters) -> str | None:
    cognito, standard = parameters.get("logout_uri"), parameters.get("post_logout_redirect_uri")
    if cognito is not None and standard is not None and cognito != standard:
        raise _refusal()
    return cognito or standard


def _refusal() -> PageError:
    return PageError("invalid_request", "This address does not say who signs you out, or where to go then.")
