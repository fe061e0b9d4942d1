"""The judgement of authorization requests: who is told what, and where."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from auth.oauth.authorization_request import AuthorizationRequest, judge
from auth.oauth.errors import PageError, RedirectError
from tests.support.oauth_clients import AUTH_URL, CALLBACK, CHALLENGE, ISSUER, SCOPES, FixedDirectory

GOOD = {
    "response_type": "code",
    "client_id": "public",
    "redirect_uri": CALLBACK,
    "scope": "openid email",
    "state": "of-the-client",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
OF_SECRET = {"response_type": "code", "client_id": "secret", "redirect_uri": CALLBACK}


def read(parameters: dict[str, str | None]) -> AuthorizationRequest:
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return judge(query.encode(), FixedDirectory(), AUTH_URL)


def page_of(parameters: dict[str, str | None]) -> PageError:
    with pytest.raises(PageError) as caught:
        read(parameters)
    return caught.value


def refused(parameters: dict[str, str | None]) -> dict[str, str]:
    with pytest.raises(RedirectError) as caught:
        read(parameters)
    url = urlsplit(caught.value.location)
    assert f"{url.scheme}://{url.netloc}{url.path}" == parameters["redirect_uri"]
    return dict(parse_qsl(url.query or url.fragment, strict_parsing=True))


def test_good_request_is_read_whole() -> None:
    request = read(
        GOOD | {"nonce": "n", "max_age": "60", "prompt": "login", "login_hint": "ada", "ui_locales": "de en"}
    )

    assert request.client.client_id == "public"
    assert request.scopes == ("openid", "email")
    assert (request.nonce, request.challenge, request.max_age_s) == ("n", CHALLENGE, 60)
    assert (request.prompts, request.login_hint, request.language) == ({"login"}, "ada", "de en")


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("https://app.example/callback/", id="a-slash-more"),
        pytest.param("https://app.example/callback?", id="an-empty-query"),
        pytest.param("https://app.example/callback?x=1", id="a-query"),
        pytest.param("https://app.example/callback#f", id="a-fragment"),
        pytest.param("https://APP.example/callback", id="case-of-the-host"),
        pytest.param("HTTPS://app.example/callback", id="case-of-the-scheme"),
        pytest.param("https://app.example/Callback", id="case-of-the-path"),
        pytest.param("http://app.example/callback", id="plain-http"),
        pytest.param("https://app.example:443/callback", id="default-port"),
        pytest.param("https://app.example/x/../callback", id="dot-segments"),
        pytest.param("https://app.example/%63allback", id="percent-encoded"),
        pytest.param("https://app.example.evil.example/callback", id="longer-host"),
        pytest.param("https://app.example@evil.example/callback", id="user-info"),
        pytest.param("https://evil.example/callback", id="other-host"),
        pytest.param("https://app.example/other", id="without-its-query"),
        pytest.param("https://app.example/other?kept=2", id="other-query"),
        pytest.param("https://app.example/bye", id="a-logout-uri"),
        pytest.param("//app.example/callback", id="no-scheme"),
        pytest.param(" https://app.example/callback", id="a-space"),
        pytest.param("https://app.example/callback\n", id="a-line-end"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("http://localhost/callback", id="name-of-loopback"),
        pytest.param("http://127.0.0.1/callback/x", id="loopback-other-path"),
        pytest.param("http://127.0.0.1:0x50/callback", id="loopback-port-in-hex"),
        pytest.param("http://127.0.0.1:080/callback", id="loopback-port-with-zero"),
        pytest.param("http://127.0.0.1:65536/callback", id="loopback-port-too-high"),
        pytest.param("http://127.0.0.1:1@evil.example/callback", id="loopback-as-user"),
        pytest.param("http://127.0.0.1.evil.example/callback", id="loopback-as-prefix"),
        pytest.param("http://127.0.0.2/callback", id="loopback-other-address"),
        pytest.param("http://[::1]:7/callback", id="loopback-other-family"),
        pytest.param("https://127.0.0.1:7/callback", id="loopback-https"),
        pytest.param(None, id="none"),
    ],
)
def test_unregistered_address_gets_a_page(uri: str | None) -> None:
    """A1: every variant of a registered address is another address."""
    assert page_of(GOOD | {"redirect_uri": uri}).code == "redirect_mismatch"


@pytest.mark.parametrize("uri", [CALLBACK, "https://app.example/other?kept=1", "http://127.0.0.1/callback"])
def test_registered_address_is_taken(uri: str) -> None:
    """A1: the twin of each variant above."""
    assert read(GOOD | {"redirect_uri": uri}).redirect_uri == uri


def test_native_client_listens_at_any_port() -> None:
    """A1: the one exception: the port of a loopback address of a client without a secret."""
    uri = "http://127.0.0.1:49152/callback"

    assert read(GOOD | {"redirect_uri": uri}).redirect_uri == uri
    assert page_of(GOOD | {"client_id": "secret", "redirect_uri": uri}).code == "redirect_mismatch"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"client_id": "nobody"}, id="unknown"),
        pytest.param({"client_id": None}, id="none"),
        pytest.param({"client_id": "closed"}, id="closed"),
        pytest.param({"redirect_uri": "https://evil.example/"}, id="address"),
    ],
)
@pytest.mark.parametrize(
    "also_wrong",
    [
        {},
        {"response_type": "nonsense"},
        {"scope": "everything"},
        {"request_uri": "https://evil.example/object"},
        {"state": "x" * 4000},
    ],
)
def test_client_and_address_are_judged_first(
    wrong: dict[str, str | None], also_wrong: dict[str, str]
) -> None:
    """A2: whatever else is wrong, an unknown client or address is answered on a page of ours."""
    assert page_of(GOOD | wrong | also_wrong).code in ("invalid_client", "redirect_mismatch")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_what_decides_where_to_go_is_said_once(name: str) -> None:
    """A2: of two addresses none is believed, even if both are good."""
    query = urlencode([*GOOD.items(), (name, GOOD[name])]).encode()

    with pytest.raises(PageError):
        judge(query, FixedDirectory(), AUTH_URL)


@pytest.mark.parametrize("name", ["scope", "state", "response_type", "nonce", "unknown"])
def test_repeated_parameter_is_refused(name: str) -> None:
    """A16: which of two values counts is nobody's to guess; not even the first of two states goes back."""
    query = urlencode([*(GOOD | {name: "a"}).items(), (name, "a")]).encode()

    with pytest.raises(RedirectError) as caught:
        judge(query, FixedDirectory(), AUTH_URL)

    assert caught.value.code == "invalid_request"
    assert ("state=" in caught.value.location) is (name != "state")


def test_unknown_parameters_are_ignored() -> None:
    """A16: the twin: a name that nobody knows changes nothing; `resource` may come twice (RFC 8707)."""
    query = urlencode([*GOOD.items(), ("colour", "red"), ("resource", "urn:a"), ("resource", "urn:b")])

    assert judge(query.encode(), FixedDirectory(), AUTH_URL) == read(GOOD)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"response_type": None}, "invalid_request", id="no-response-type"),
        pytest.param({"response_type": ""}, "invalid_request", id="empty-response-type"),
        pytest.param({"response_type": "id_token"}, "unsupported_response_type", id="hybrid"),
        pytest.param({"response_type": "code token"}, "unsupported_response_type", id="two-types"),
        pytest.param({"response_type": "token"}, "unauthorized_client", id="implicit"),
        pytest.param({"response_mode": "form_post"}, "invalid_request", id="response-mode"),
        pytest.param({"scope": "openid everything"}, "invalid_scope", id="unknown-scope"),
        pytest.param({"scope": "email"}, "invalid_scope", id="claims-without-openid"),
        pytest.param({"prompt": "none login"}, "invalid_request", id="prompt-none-and-more"),
        pytest.param({"prompt": "dance"}, "invalid_request", id="prompt-unknown"),
        pytest.param({"max_age": "-1"}, "invalid_request", id="max-age-negative"),
        pytest.param({"max_age": "1.5"}, "invalid_request", id="max-age-broken"),
        pytest.param({"max_age": "٣"}, "invalid_request", id="max-age-other-digits"),
        pytest.param({"request": "e30."}, "request_not_supported", id="request-object"),
        pytest.param({"request_uri": "https://app.example/o"}, "request_uri_not_supported", id="request-uri"),
        pytest.param({"registration": "{}"}, "registration_not_supported", id="registration"),
    ],
)
def test_client_is_told_what_is_wrong(change: dict[str, str | None], code: str) -> None:
    """A12: an error has the state and says who answers."""
    answer = refused(GOOD | change)

    assert (answer["error"], answer["state"], answer["iss"]) == (code, "of-the-client", ISSUER)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"code_challenge": None, "code_challenge_method": None}, id="none"),
        pytest.param({"code_challenge_method": None}, id="method-missing-means-plain"),
        pytest.param({"code_challenge_method": "plain"}, id="plain"),
        pytest.param({"code_challenge_method": "s256"}, id="other-case"),
        pytest.param({"code_challenge": None}, id="challenge-missing"),
        pytest.param({"code_challenge": CHALLENGE[:-1]}, id="short"),
        pytest.param({"code_challenge": CHALLENGE + "A"}, id="long"),
        pytest.param({"code_challenge": CHALLENGE[:-1] + "="}, id="alphabet"),
    ],
)
def test_public_client_needs_s256(change: dict[str, str | None]) -> None:
    """A3: no challenge, half of one, or one that proves nothing."""
    assert refused(GOOD | change)["error"] == "invalid_request"


def test_challenge_of_the_rfc_is_taken() -> None:
    """A3: the twin."""
    assert read(GOOD).challenge == CHALLENGE


def test_client_with_a_secret_may_do_without_pkce() -> None:
    """A3: what is not there is not half there; half of it is refused for this client too."""
    assert read(OF_SECRET).challenge == ""
    assert refused(OF_SECRET | {"code_challenge": CHALLENGE})["error"] == "invalid_request"


def test_implicit_flow_is_for_who_has_it() -> None:
    """A10: tokens in the fragment, only where the operator has switched it on."""
    asked = {"response_type": "token", "client_id": "implicit", "redirect_uri": CALLBACK}

    assert (
        read(asked).location({"a": "b"})
        == f"{CALLBACK}#a=b&iss=https%3A%2F%2Fauth.example%2Fus-east-1_Main00001"
    )
    with pytest.raises(RedirectError, match="unauthorized_client"):
        read(asked | {"client_id": "secret"})
    with pytest.raises(RedirectError, match="invalid_request"):
        read(asked | {"response_mode": "query"})


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param("plain", id="plain"),
        pytest.param("a%20b%2Bc%26d%3De%23", id="delimiters"),
        pytest.param("caf%C3%A9", id="utf-8"),
        pytest.param("%FF%00%80", id="no-utf-8"),
        pytest.param("%3Cscript%3E%22%27", id="markup"),
        pytest.param("%0D%0ASet-Cookie%3A%20a", id="line-ends"),
        pytest.param("x" * 2048, id="longest"),
    ],
)
def test_state_goes_back_byte_for_byte(encoded: str) -> None:
    """A11: on success and on failure, whatever the bytes are."""
    query = urlencode({name: value for name, value in GOOD.items() if name != "state"})

    request = judge(f"{query}&state={encoded}".encode(), FixedDirectory(), AUTH_URL)
    with pytest.raises(RedirectError) as caught:
        judge(f"{query}&state={encoded}&max_age=x".encode(), FixedDirectory(), AUTH_URL)

    assert f"?code=c&state={encoded}&iss=" in request.location({"code": "c"})
    assert f"&state={encoded}&iss=" in caught.value.location


@pytest.mark.parametrize("name", ["state", "nonce"])
def test_long_state_or_nonce_is_refused(name: str) -> None:
    """A11: 2 KiB are taken, one more is not, in bytes and not in characters."""
    assert read(GOOD | {name: "é" * 1024})
    assert refused(GOOD | {name: "é" * 1024 + "x"})["error"] == "invalid_request"


def test_request_objects_are_refused_by_name() -> None:
    """A26: neither read nor fetched; the twin without them is good."""
    unsigned = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZSJ9."

    assert refused(GOOD | {"request": unsigned})["error"] == "request_not_supported"
    assert refused(GOOD | {"request_uri": "http://169.254.169.254/"})["error"] == "request_uri_not_supported"
    assert read(GOOD)


def test_no_scope_means_all_of_the_client() -> None:
    """A19: the default is what the client may have; asked is asked; never more."""
    assert read(GOOD | {"scope": None}).scopes == SCOPES
    assert read(GOOD | {"scope": "notes/read"}).scopes == ("notes/read",)
    assert refused(GOOD | {"scope": "openid aws.cognito.signin.user.admin"})["error"] == "invalid_scope"


def test_bytes_that_are_no_text_are_refused() -> None:
    query = urlencode(GOOD) + "&nonce=%FF"

    with pytest.raises(RedirectError, match="invalid_request"):
        judge(query.encode(), FixedDirectory(), AUTH_URL)


@pytest.mark.parametrize("query", [b"\xff", b"&".join([b"a=b"] * 200)])
def test_unreadable_query_gets_a_page(query: bytes) -> None:
    with pytest.raises(PageError):
        judge(query, FixedDirectory(), AUTH_URL)


def test_own_query_of_an_address_is_kept() -> None:
    request = read(GOOD | {"redirect_uri": "https://app.example/other?kept=1", "state": None})

    assert request.location({"code": "c"}).startswith("https://app.example/other?kept=1&code=c&iss=")
