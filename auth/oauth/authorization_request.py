"""The judgement of an authorization request: plain text in, a request that can be granted or a refusal out.

The client comes first, then the address, then the rest (A2): a refusal goes to the client only when the address is
known to be its own. Looks at no clock, no session and no database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from auth.client import Client
from auth.errors import ResourceNotFound
from auth.oauth import pkce, scope
from auth.oauth.errors import PageError, RedirectError
from auth.oauth.parameters import (
    MalformedParameters,
    Parameters,
    is_text,
    parse_parameters,
    size_of,
)
from auth.oauth.redirect_uri import is_registered, with_parameters
from auth.pool import Pool

MAX_STATE_BYTES = 2048  # A11; some clients keep a whole page address in it
MAX_NONCE_BYTES = 2048  # A11
PROMPTS = ("none", "login", "select_account", "consent")
_TEXTS = (
    *("response_type", "response_mode", "scope", "nonce", "code_challenge", "code_challenge_method"),
    *("prompt", "max_age", "login_hint", "id_token_hint", "ui_locales", "lang", "identity_provider"),
)
# OIDC Core §6, §3.1.2.6: refused by name, and never fetched (A26).
_REFUSED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}

ResponseType = Literal["code", "token"]


class Directory(Protocol):
    """Pools and clients by their ids. :raises ResourceNotFound: there is none."""

    def client(self, client_id: str, /) -> Client: ...
    def pool(self, pool_id: str, /) -> Pool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that was found good.

    :param state: as it came, bytes that are no UTF-8 as surrogates; None: there was none.
    :param scopes: that will be granted. :param challenge: S256, or empty.
    :param in_fragment: where the answer goes. :param issuer: for ``iss`` (RFC 9207).
    :param id_token_hint: as it came; :param hint_sub: whom it names, once it was verified.
    :param language: what pages should speak, as BCP 47 tags; empty: ask the browser.
    """

    pool: Pool
    client: Client
    redirect_uri: str
    issuer: str
    response_type: ResponseType = "code"
    in_fragment: bool = False
    scopes: tuple[str, ...] = ()
    state: str | None = field(default=None, repr=False)
    nonce: str = field(default="", repr=False)
    challenge: str = field(default="", repr=False)
    prompts: frozenset[str] = frozenset()
    max_age_s: int | None = None
    login_hint: str = field(default="", repr=False)
    id_token_hint: str = field(default="", repr=False)
    hint_sub: str | None = None
    language: str = ""
    identity_provider: str = ""

    def location(self, answer: Mapping[str, str]) -> str:
        """The client's address with *answer*, its ``state`` byte for byte (A11) and who answers (A12)."""
        return _location(self, answer)

    def refusal(self, code: str, description: str = "") -> RedirectError:
        answer = {"error": code} | ({"error_description": description} if description else {})
        return RedirectError(code, self.location(answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trusted:
    """A client and an address of its own: from here on refusals go there."""

    pool: Pool
    client: Client
    redirect_uri: str
    issuer: str
    state: str | None
    in_fragment: bool

    def refusal(self, code: str, description: str) -> RedirectError:
        return RedirectError(code, _location(self, {"error": code, "error_description": description}))


def judge(query: bytes, directory: Directory, auth_url: str) -> AuthorizationRequest:
    """:param query: of a GET, or the body of a POST.

    :raises PageError: the client or its address is not known; nobody is sent anywhere.
    :raises RedirectError: the client is told what else is wrong.
    """
    try:
        parameters = parse_parameters(query)
    except MalformedParameters as error:
        raise PageError("invalid_request", "The address of this page is not complete.") from error
    trusted = _trusted(parameters, directory, auth_url)
    _check_form(parameters, trusted)
    response_type = _response_type(parameters, trusted)
    prompts = frozenset(parameters.get("prompt", "").split())
    if not prompts <= set(PROMPTS) or ("none" in prompts and len(prompts) > 1):
        raise trusted.refusal("invalid_request", "prompt cannot be that")
    return AuthorizationRequest(
        pool=trusted.pool,
        client=trusted.client,
        redirect_uri=trusted.redirect_uri,
        issuer=trusted.issuer,
        response_type=response_type,
        in_fragment=trusted.in_fragment,
        scopes=_scopes(parameters, trusted),
        state=trusted.state,
        nonce=parameters.get("nonce", ""),
        challenge=_challenge(parameters, trusted, response_type),
        prompts=prompts,
        max_age_s=_max_age(parameters, trusted),
        login_hint=parameters.get("login_hint", ""),
        id_token_hint=parameters.get("id_token_hint", ""),
        language=parameters.get("lang") or parameters.get("ui_locales", ""),
        identity_provider=parameters.get("identity_provider", ""),
    )


def _trusted(parameters: Parameters, directory: Directory, auth_url: str) -> _Trusted:
    if parameters.repeated & {"client_id", "redirect_uri"}:
        raise PageError("invalid_request", "The address of this page says something twice.")
    try:
        client = directory.client(parameters.get("client_id", ""))
        pool = directory.pool(client.pool_id)
    except ResourceNotFound as error:
        raise PageError("invalid_client", "The application that sent you here is not known.") from error
    if client.is_closed or pool.is_closed:
        raise PageError("invalid_client", "The application that sent you here is closed.")
    redirect_uri = parameters.get("redirect_uri", "")
    if not is_registered(client, redirect_uri):  # A2: before anything else is judged
        raise PageError("redirect_mismatch", "The application asks to send you where it may not.")
    state = parameters.get("state")
    is_usable = state is not None and "state" not in parameters.repeated and size_of(state) <= MAX_STATE_BYTES
    default_mode = "fragment" if parameters.get("response_type") == "token" else "query"
    return _Trusted(
        pool=pool,
        client=client,
        redirect_uri=redirect_uri,
        issuer=f"{auth_url}/{pool.pool_id}",  # A13
        state=state if is_usable else None,
        in_fragment=parameters.get("response_mode", default_mode) == "fragment",
    )


def _check_form(parameters: Parameters, trusted: _Trusted) -> None:
    if parameters.repeated:  # A16
        raise trusted.refusal("invalid_request", "a parameter is repeated")
    if "state" in parameters and trusted.state is None:
        raise trusted.refusal("invalid_request", "state is too long")
    for name, code in _REFUSED.items():
        if name in parameters:  # A26
            raise trusted.refusal(code, f"{name} is not supported")
    if not all(is_text(parameters[name]) for name in _TEXTS if name in parameters):
        raise trusted.refusal("invalid_request", "a parameter is not UTF-8")
    if size_of(parameters.get("nonce", "")) > MAX_NONCE_BYTES:  # A11
        raise trusted.refusal("invalid_request", "nonce is too long")


def _response_type(parameters: Parameters, trusted: _Trusted) -> ResponseType:
    asked = parameters.get("response_type")
    mode = parameters.get("response_mode")
    if asked is None:
        raise trusted.refusal("invalid_request", "response_type is missing")
    if mode not in (None, "query", "fragment") or (asked == "token" and mode == "query"):
        raise trusted.refusal("invalid_request", "response_mode cannot be that")
    if asked == "code":
        if "code" not in trusted.client.flows:
            raise trusted.refusal("unauthorized_client", "the client has no flow code")
        return "code"
    if asked == "token":
        if "implicit" not in trusted.client.flows:  # A10: only where the operator said so
            raise trusted.refusal("unauthorized_client", "the client has no flow implicit")
        return "token"
    raise trusted.refusal("unsupported_response_type", "response_type is code or token")


def _challenge(parameters: Parameters, trusted: _Trusted, response_type: ResponseType) -> str:
    challenge = parameters.get("code_challenge")
    method = parameters.get("code_challenge_method")
    if challenge is None and method is None:
        if response_type == "code" and not trusted.client.has_secret:  # A3: every public client
            raise trusted.refusal("invalid_request", "code_challenge is missing")
        return ""
    if method != "S256":  # A3: no method means plain (RFC 7636 §4.3), which is refused as well
        raise trusted.refusal("invalid_request", "code_challenge_method must be S256")
    if challenge is None or not pkce.is_challenge(challenge):
        raise trusted.refusal("invalid_request", "code_challenge is not that of a SHA-256")
    return challenge


def _scopes(parameters: Parameters, trusted: _Trusted) -> tuple[str, ...]:
    try:
        return scope.granted(trusted.pool, trusted.client, parameters.get("scope", ""))
    except scope.ScopeRefused as error:
        raise trusted.refusal("invalid_scope", str(error)) from error


def _max_age(parameters: Parameters, trusted: _Trusted) -> int | None:
    text = parameters.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise trusted.refusal("invalid_request", "max_age is a number of seconds")
    return int(text)


def _location(of: AuthorizationRequest | _Trusted, answer: Mapping[str, str]) -> str:
    state = {} if of.state is None else {"state": of.state}
    return with_parameters(of.redirect_uri, {**answer, **state, "iss": of.issuer}, in_fragment=of.in_fragment)
