"""Authorize and log-out: where a browser is sent, and where it is not."""

import httpx
import pytest

from tests.support.oauth_world import (
    CALLBACK,
    GOODBYE,
    OTHER_SUB,
    SUB,
    Browser,
    OAuthWorld,
    answer_of,
    code_request,
    payload,
)
from tests.support.oidf import exchange, signed_in


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"redirect_uri": "https://evil.example/"}, id="address"),
        pytest.param({"redirect_uri": f"{CALLBACK}/x"}, id="near-miss"),
        pytest.param({"client_id": "nobody"}, id="client"),
    ],
)
def test_refusal_on_our_own_page(browser: Browser, method: str, change: dict[str, str]) -> None:
    """A1: A2: a page, no Location, and nothing of the request on it."""
    response = browser.authorize(code_request(state="<canary>", scope="nonsense", **change), method=method)

    assert response.status_code == 400
    assert "location" not in response.headers
    assert "evil" not in response.text
    assert "canary" not in response.text
    assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_good_request_leads_back(browser: Browser, method: str) -> None:
    """A1: the twin. A12: code, state, iss. A14: 303 after the form of the log-in."""
    response = browser.authorize(code_request(), method=method)

    answer = answer_of(response)
    assert response.status_code == 303
    assert response.headers["location"].startswith(f"{CALLBACK}?code=")
    assert list(answer) == ["code", "state", "iss"]
    assert answer["iss"] == browser.world.issuer


def test_errors_say_who_answers(browser: Browser) -> None:
    """A12: mix-up defence works for errors as well."""
    answer = browser.answer(code_request(scope="nonsense"))

    assert (answer["error"], answer["iss"]) == ("invalid_scope", browser.world.issuer)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_state_survives_the_log_in(browser: Browser, method: str) -> None:
    """A11: byte for byte, through our own pages."""
    state = "a b+c&d=e%f#é\r\n<script>\"'"

    assert browser.answer(code_request(state=state), method=method)["state"] == state


def test_post_leads_to_get(browser: Browser) -> None:
    """A14: 303; and what was in the body cannot end the header's line."""
    body = "response_type=code&client_id=confidential&redirect_uri=" + CALLBACK + "&state=a\r\nX-Evil: 1"

    response = browser.http.post(
        "/oauth2/authorize",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert response.status_code == 303
    assert response.headers["location"].endswith("&state=a%0D%0AX-Evil%3A%201")
    assert "x-evil" not in response.headers


def test_urls_are_configurations(world: OAuthWorld) -> None:
    """A13: whatever Host and its kin say."""
    lies = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}

    with httpx.Client(base_url=world.url, headers=lies, trust_env=False) as http:
        document = http.get(f"/{world.pool.pool_id}/.well-known/openid-configuration").json()
        to_login = http.get("/oauth2/authorize", params=code_request()).headers["location"]

    assert document["issuer"] == world.issuer
    assert "evil" not in str(document)
    assert to_login.startswith(f"{world.url}/login?")


def test_metadata_says_only_what_works(world: OAuthWorld) -> None:
    """A12: `iss` is announced. A26: request objects are not. Each endpoint answers."""
    with httpx.Client(base_url=world.url, trust_env=False) as http:
        document = http.get(f"/{world.pool.pool_id}/.well-known/openid-configuration").json()
        reached = {
            name: http.request("OPTIONS", url).status_code
            for name, url in document.items()
            if name.endswith("_endpoint")
        }
        nobody = http.get("/us-east-1_Nobody/.well-known/openid-configuration")
        no_keys = http.get("/us-east-1_Nobody/.well-known/jwks.json")

    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["request_parameter_supported"] is document["request_uri_parameter_supported"] is False
    assert 404 not in reached.values()
    assert (nobody.status_code, no_keys.status_code) == (404, 404)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/oauth2/token", "POST"),
        ("/oauth2/revoke", "POST"),
        ("/oauth2/userInfo", "GET"),
        ("/us-east-1_Main00001/.well-known/openid-configuration", "GET"),
        ("/us-east-1_Main00001/.well-known/jwks.json", "GET"),
    ],
)
def test_pages_may_call(world: OAuthWorld, path: str, method: str) -> None:
    """A27: preflight and answer, refusals too."""
    with httpx.Client(base_url=world.url, headers={"origin": "https://app.example"}, trust_env=False) as http:
        preflight = http.options(path, headers={"access-control-request-method": method})
        answer = http.request(method, path)

    assert preflight.status_code == 204
    assert method in preflight.headers["access-control-allow-methods"]
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/oauth2/authorize", "/logout"])
def test_pages_may_not_ask_for_codes(world: OAuthWorld, path: str) -> None:
    """A27: no CORS where cookies decide."""
    with httpx.Client(base_url=world.url, headers={"origin": "https://app.example"}, trust_env=False) as http:
        preflight = http.options(path, headers={"access-control-request-method": "GET"})
        answer = http.get(path, params=code_request())

    assert preflight.status_code == 405
    assert not [name for name in {**preflight.headers, **answer.headers} if name.startswith("access-control")]


# --- prompt, max_age, hints ----------------------------------------------------------------------


def test_hint_of_somebody_else_asks_again(browser: Browser) -> None:
    """A26: without a page the client hears login_required; with one, somebody else who logs in is not handed over."""
    tokens, _ = signed_in(browser)
    hint = tokens["id_token"]
    with Browser(browser.world) as another:
        assert another.answer(code_request(id_token_hint=hint), sub=OTHER_SUB)["error"] == "login_required"
        assert another.answer(code_request(id_token_hint=hint, prompt="none"))["error"] == "login_required"
        assert "code" in another.answer(code_request(id_token_hint=hint), sub=SUB)


@pytest.mark.parametrize("hint", ["x", "eyJhbGciOiJub25lIn0.e30.", "access"])
def test_hint_must_be_our_id_token(browser: Browser, hint: str) -> None:
    """A26: and not of the other kind."""
    tokens, _ = signed_in(browser)
    wrong = tokens["access_token"] if hint == "access" else hint

    assert browser.answer(code_request(id_token_hint=wrong))["error"] == "invalid_request"
    assert "code" in browser.answer(code_request(id_token_hint=tokens["id_token"]))


def test_nobody_is_asked_where_the_client_forbids_it(browser: Browser) -> None:
    """A26: `prompt=none` is an error for who is not logged in, and no page. Twin: who is."""
    refused = browser.answer(code_request(prompt="none"))

    assert (refused["error"], browser.pages) == ("login_required", [])
    signed_in(browser)
    assert "code" in browser.answer(code_request(prompt="none"))


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_who_is_logged_in_is_asked_again(browser: Browser, prompt: str) -> None:
    """A26: where the client wants it. Twin: where it does not."""
    signed_in(browser)
    signed_in(browser)
    assert browser.pages == ["/login"]
    signed_in(browser, prompt=prompt)

    assert browser.pages == ["/login", "/login"]


def test_an_old_log_in_is_asked_for_again(world: OAuthWorld, browser: Browser) -> None:
    """A26: `max_age`. Twin: a log-in that is young enough."""
    signed_in(browser)
    world.clock.advance(30)
    signed_in(browser, max_age="60")
    assert browser.pages == ["/login"]
    signed_in(browser, max_age="20")

    assert browser.pages == ["/login", "/login"]


def test_nonce_is_carried_to_the_id_token(browser: Browser) -> None:
    """A11: as it came. Twin: without one there is none."""
    _, claims = signed_in(browser, nonce="n of é+%")
    form = code_request()
    del form["nonce"]
    code = browser.answer(form)["code"]

    assert claims["nonce"] == "n of é+%"
    assert "nonce" not in payload(exchange(browser.world, code).json()["id_token"])


def test_what_is_no_page_is_held_to_the_same(browser: Browser) -> None:
    """B4, A15: redirects and JSON are not framed, not sniffed, not kept, and tell nobody where they came from."""
    redirect = browser.http.get("/oauth2/authorize", params=code_request())
    json = browser.http.post("/oauth2/token")

    for answer in (redirect, json):
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_token_in_an_address_opens_nothing(browser: Browser) -> None:
    """A15: addresses are logged and told to others. Twin: the same token in its header."""
    access = signed_in(browser)[0]["access_token"]
    in_address = browser.http.get("/oauth2/userInfo", params={"access_token": access})
    in_header = browser.http.get("/oauth2/userInfo", headers={"authorization": f"Bearer {access}"})

    assert (in_address.status_code, in_header.status_code) == (400, 200)


# --- implicit ------------------------------------------------------------------------------------


def test_implicit_flow_for_its_client(browser: Browser) -> None:
    """A10: tokens in the fragment, none to refresh with; another client is told it has no such flow."""
    request = code_request(client_id="implicit", response_type="token")

    response = browser.authorize(request)
    refused = browser.authorize(request | {"client_id": "confidential"})

    answer = answer_of(response)
    assert response.headers["location"].startswith(f"{CALLBACK}#id_token=")
    assert list(answer) == ["id_token", "access_token", "token_type", "expires_in", "state", "iss"]
    assert payload(answer["id_token"])["nonce"] == "once"
    assert refused.headers["location"].startswith(f"{CALLBACK}#error=unauthorized_client")


# --- userInfo ------------------------------------------------------------------------------------


def test_userinfo_refusals_are_cognitos(world: OAuthWorld, browser: Browser) -> None:
    tokens, _ = signed_in(browser)
    access, path = tokens["access_token"], "/oauth2/userInfo"
    with httpx.Client(base_url=world.url, trust_env=False) as http:
        none = http.get(path)
        in_address = http.get(path, params={"access_token": access})
        of_other_kind = http.get(path, headers={"authorization": f"Bearer {tokens['id_token']}"})
        twice = http.post(path, data={"access_token": access}, headers={"authorization": f"Bearer {access}"})
        good = http.get(path, headers={"authorization": f"bearer {access}"})

    assert [answer.status_code for answer in (none, in_address, of_other_kind, twice, good)] == [
        *(400, 400, 401, 400, 200)
    ]
    assert none.headers["www-authenticate"] == (
        'Bearer error="invalid_request", error_description="Bad OAuth2 request at UserInfo Endpoint"'
    )
    assert of_other_kind.json()["error"] == "invalid_token"


def test_userinfo_needs_openid(world: OAuthWorld, browser: Browser) -> None:
    answer = browser.answer(code_request(client_id="implicit", response_type="token", scope="notes/read"))

    response = httpx.get(
        f"{world.url}/oauth2/userInfo",
        headers={"authorization": f"Bearer {answer['access_token']}"},
        trust_env=False,
    )

    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")


# --- log-out -------------------------------------------------------------------------------------


def _is_logged_in(browser: Browser) -> bool:
    return "code" in browser.answer(code_request(prompt="none"))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("way", ["cognito", "standard", "hint-only"])
def test_log_out(browser: Browser, way: str, method: str) -> None:
    """A25: the session is destroyed, not only the cookie: an old copy of it opens nothing."""
    tokens, _ = signed_in(browser)
    cookies = dict(browser.http.cookies)
    asked = {
        "cognito": {"client_id": "confidential", "logout_uri": GOODBYE},
        "standard": {
            "id_token_hint": tokens["id_token"],
            "post_logout_redirect_uri": GOODBYE,
            "state": "a b",
        },
        "hint-only": {"id_token_hint": tokens["id_token"]},
    }[way]

    response = (
        browser.http.get("/logout", params=asked)
        if method == "GET"
        else browser.http.post("/logout", data=asked)
    )

    leads_to = {"cognito": GOODBYE, "standard": f"{GOODBYE}?state=a%20b"}
    assert response.status_code == (302 if method == "GET" else 303)
    assert response.headers["location"] == leads_to.get(way, f"{browser.world.url}/logged-out")
    browser.http.cookies.update(cookies)
    assert not _is_logged_in(browser)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"client_id": "confidential", "logout_uri": "https://evil.example/"}, id="address"),
        pytest.param({"client_id": "confidential", "logout_uri": f"{GOODBYE}/"}, id="near-miss"),
        pytest.param({"client_id": "confidential", "logout_uri": CALLBACK}, id="a-callback"),
        pytest.param({"client_id": "confidential"}, id="nowhere"),
        pytest.param({"logout_uri": GOODBYE}, id="nobody"),
        pytest.param({"client_id": "nobody", "logout_uri": GOODBYE}, id="unknown-client"),
        pytest.param({}, id="nothing"),
        pytest.param({"id_token_hint": "x", "post_logout_redirect_uri": GOODBYE}, id="bad-hint"),
        pytest.param(
            {"client_id": "confidential", "logout_uri": GOODBYE, "post_logout_redirect_uri": CALLBACK},
            id="two",
        ),
        pytest.param(
            {"client_id": "confidential", "logout_uri": GOODBYE, "state": "x" * 2049}, id="long-state"
        ),
    ],
)
def test_bad_log_out_does_nothing(browser: Browser, asked: dict[str, str]) -> None:
    """A25: a page, no Location, and the session lives on."""
    signed_in(browser)

    response = browser.http.get("/logout", params=asked)

    assert response.status_code == 400
    assert "location" not in response.headers
    assert _is_logged_in(browser)


def test_hint_must_be_of_the_client(browser: Browser) -> None:
    """A25: the twin names the hint's own client."""
    tokens, _ = signed_in(browser)
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": GOODBYE}

    other = browser.http.get("/logout", params=asked | {"client_id": "confidential2"})
    own = browser.http.get("/logout", params=asked | {"client_id": "confidential"})

    assert (other.status_code, own.status_code) == (400, 302)


def test_log_out_and_in_again(browser: Browser) -> None:
    """Cognito's second form: the log-in page follows."""
    signed_in(browser)
    asked = {"client_id": "confidential", "redirect_uri": CALLBACK, "response_type": "code"}

    response = browser.http.get("/logout", params=asked)
    refused = browser.http.get("/logout", params=asked | {"redirect_uri": "https://evil.example/"})

    assert response.headers["location"].startswith(f"{browser.world.url}/login?client_id=confidential&")
    assert refused.status_code == 400
    assert not _is_logged_in(browser)
