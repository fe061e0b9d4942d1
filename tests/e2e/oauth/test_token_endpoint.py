"""The token endpoint: what it gives, to whom, and how often."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.oauth_world import (
    CALLBACK,
    SECRET,
    SUB,
    Browser,
    OAuthWorld,
    basic,
    code_request,
    payload,
    public_request,
)
from tests.support.oidf import exchange, userinfo


def token(
    world: OAuthWorld,
    form: Mapping[str, str],
    authorization: str | None = None,
    *,
    path: str = "/oauth2/token",
) -> httpx.Response:
    headers = {} if authorization is None else {"authorization": authorization}
    return httpx.post(f"{world.url}{path}", data=dict(form), headers=headers, trust_env=False)


def public_code(browser: Browser, **more: str) -> dict[str, str]:
    """A form that redeems a fresh code of the public client."""
    request, verifier = public_request(**more)
    form = {"grant_type": "authorization_code", "client_id": "public", "redirect_uri": CALLBACK}
    return form | {"code": browser.answer(request)["code"], "code_verifier": verifier}


def refresh_form(refresh_token: str, **more: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "client_id": "public", "refresh_token": refresh_token} | more


def error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


def test_answer_is_cognitos(world: OAuthWorld, browser: Browser) -> None:
    """A15: JSON that nobody keeps, with no token in any address."""
    response = token(world, public_code(browser, scope="openid email notes/read"))

    body = response.json()
    access = payload(body["access_token"])
    assert list(body) == ["id_token", "access_token", "refresh_token", "expires_in", "token_type"]
    assert response.headers["cache-control"] == "no-cache, no-store, max-age=0, must-revalidate"
    assert response.headers["pragma"] == "no-cache"
    assert response.headers["content-type"] == "application/json"
    assert (access["scope"], access["client_id"]) == ("openid email notes/read", "public")


# --- codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"code_verifier": "w" * 43}, "invalid_grant", id="wrong"),
        pytest.param({"code_verifier": "w" * 42}, "invalid_grant", id="short"),
        pytest.param({"code_verifier": "w" * 129}, "invalid_grant", id="long"),
        pytest.param({"code_verifier": "w" * 42 + "+"}, "invalid_grant", id="alphabet"),
        pytest.param({"code_verifier": ""}, "invalid_grant", id="missing"),
    ],
)
def test_verifier_must_prove(world: OAuthWorld, browser: Browser, change: dict[str, str], code: str) -> None:
    """A3: and a wrong one burns the code: the right one comes too late."""
    form = public_code(browser)

    assert error(token(world, form | change)) == (400, code)
    assert error(token(world, form)) == (400, "invalid_grant")


def test_right_verifier_proves(world: OAuthWorld, browser: Browser) -> None:
    """A3: the twin."""
    assert token(world, public_code(browser)).status_code == 200


def test_verifier_without_a_challenge_is_a_downgrade(world: OAuthWorld, browser: Browser) -> None:
    """A4: and without both the code is good."""
    with_verifier = browser.answer(code_request())["code"]
    without = browser.answer(code_request())["code"]

    assert error(exchange(world, with_verifier, code_verifier="v" * 43)) == (400, "invalid_grant")
    assert exchange(world, without).status_code == 200


def test_challenge_of_a_client_with_a_secret_binds_too(world: OAuthWorld, browser: Browser) -> None:
    """A4: a code with a challenge needs the verifier, secret or not."""
    request, verifier = public_request()
    request |= {"client_id": "confidential"}
    first, second = (browser.answer(request)["code"] for _ in range(2))

    assert error(exchange(world, first)) == (400, "invalid_grant")
    assert exchange(world, second, code_verifier=verifier).status_code == 200


def test_one_of_many_redemptions_wins(world: OAuthWorld, browser: Browser) -> None:
    """A5, R8: 20 at once, one winner; codes have 256 bits."""
    code = browser.answer(code_request())["code"]

    with ThreadPoolExecutor(20) as threads:
        statuses = [answer.status_code for answer in threads.map(lambda _: exchange(world, code), range(20))]

    assert sorted(statuses) == [200] + [400] * 19
    assert len(code) == 43


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"redirect_uri": f"{CALLBACK}?kept=1"}, id="another-address"),
        pytest.param({"redirect_uri": f"{CALLBACK}/"}, id="nearly-its-address"),
        pytest.param({"code": "x" * 43}, id="unknown-code"),
    ],
)
def test_code_is_bound(world: OAuthWorld, browser: Browser, change: dict[str, str]) -> None:
    """A5: to its address."""
    form = public_code(browser)

    assert error(token(world, form | change)) == (400, "invalid_grant")


def test_code_is_bound_to_its_client(world: OAuthWorld, browser: Browser) -> None:
    """A5: another client, with its own good secret, gets nothing, and does not burn it."""
    code = browser.answer(code_request())["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}

    assert error(token(world, form, basic("confidential2"))) == (400, "invalid_grant")
    assert exchange(world, code).status_code == 200


def test_code_lives_five_minutes(world: OAuthWorld, browser: Browser) -> None:
    """A5: and no second more."""
    in_time = browser.answer(code_request())["code"]
    world.clock.advance(295)
    assert exchange(world, in_time).status_code == 200
    too_late = browser.answer(code_request())["code"]
    world.clock.advance(301)

    assert error(exchange(world, too_late)) == (400, "invalid_grant")


# --- refresh tokens ------------------------------------------------------------------------------


def test_refresh_token_rotates(world: OAuthWorld, browser: Browser) -> None:
    """A7: reuse after the grace revokes all; within it, the same successor comes again."""
    first = token(world, public_code(browser)).json()["refresh_token"]
    second = token(world, refresh_form(first)).json()["refresh_token"]
    again = token(world, refresh_form(first)).json()
    assert second != first
    assert again["refresh_token"] == second
    world.clock.advance(11)

    assert error(token(world, refresh_form(first))) == (400, "invalid_grant")
    assert error(token(world, refresh_form(second))) == (400, "invalid_grant")
    assert userinfo(world, again["access_token"]).status_code == 401


def test_successor_is_good_for_as_long_as_nobody_reuses(world: OAuthWorld, browser: Browser) -> None:
    """A7: the twin."""
    first = token(world, public_code(browser)).json()["refresh_token"]
    second = token(world, refresh_form(first)).json()["refresh_token"]
    world.clock.advance(11)

    assert token(world, refresh_form(second)).status_code == 200


def test_parallel_refreshes_do_not_fork(world: OAuthWorld, browser: Browser) -> None:
    """A7, R8: whoever comes within the grace gets the same successor."""
    first = token(world, public_code(browser)).json()["refresh_token"]

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: token(world, refresh_form(first)), range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_client_that_does_not_rotate_keeps_its_token(world: OAuthWorld, browser: Browser) -> None:
    """As Cognito: no refresh token in the answer."""
    tokens = exchange(world, browser.answer(code_request())["code"]).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    answers = [token(world, form, basic()).json() for _ in range(2)]

    assert all("refresh_token" not in answer and "access_token" in answer for answer in answers)


def test_refresh_narrows_only(world: OAuthWorld, browser: Browser) -> None:
    """A8: a refused one has used nothing up; the next may ask for all again."""
    tokens = token(world, public_code(browser, scope="openid notes/read")).json()
    wide = token(world, refresh_form(tokens["refresh_token"], scope="openid notes/write"))
    world.clock.advance(11)
    narrow = token(world, refresh_form(tokens["refresh_token"], scope="notes/read")).json()
    whole = token(world, refresh_form(narrow["refresh_token"])).json()

    assert error(wide) == (400, "invalid_scope")
    assert payload(narrow["access_token"])["scope"] == "notes/read"
    assert "id_token" not in narrow
    assert payload(whole["access_token"])["scope"] == "openid notes/read"


def test_refresh_is_bound_to_its_client(world: OAuthWorld, browser: Browser) -> None:
    """A8: presented by another client it is unknown, and unharmed."""
    tokens = exchange(world, browser.answer(code_request())["code"]).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    assert error(token(world, form, basic("confidential2"))) == (400, "invalid_grant")
    assert token(world, form, basic()).status_code == 200


@pytest.mark.parametrize("end", ["reset", "sign-out", "disable"])
def test_refresh_dies_with_the_session(world: OAuthWorld, browser: Browser, end: str) -> None:
    """A8: whatever ends a user's sessions; the twin before it is good."""
    tokens = exchange(world, browser.answer(code_request())["code"]).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert token(world, form, basic()).status_code == 200
    users, now = world.store.users, world.clock()

    if end == "reset":
        users.set_password(world.pool.pool_id, SUB, "$none$", now)
    elif end == "sign-out":
        world.store.grants.sign_out(world.pool.pool_id, SUB, now)
    else:
        users.set_enabled(world.pool.pool_id, SUB, False, now)
    refused = error(token(world, form, basic()))
    users.set_enabled(world.pool.pool_id, SUB, True, now)

    assert refused == (400, "invalid_grant")
    assert userinfo(world, tokens["access_token"]).status_code == 401


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "%00", "x" * 9000])
def test_garbage_is_no_refresh_token(world: OAuthWorld, garbage: str) -> None:
    status, code = error(token(world, refresh_form(garbage)))

    assert (status, code) == (400, "invalid_grant" if garbage else "invalid_request")


# --- client credentials --------------------------------------------------------------------------


def test_client_credentials(world: OAuthWorld) -> None:
    """A18: an access token and nothing else, of nobody but the client."""
    body = token(world, {"grant_type": "client_credentials"}, basic("jobs")).json()

    claims = payload(body["access_token"])
    assert list(body) == ["access_token", "expires_in", "token_type"]
    assert (claims["sub"], claims["scope"]) == ("jobs", "notes/read notes/write")
    assert userinfo(world, body["access_token"]).status_code == 403


@pytest.mark.parametrize(
    "scope", ["openid", "notes/read openid", "notes/delete", "aws.cognito.signin.user.admin"]
)
def test_client_credentials_are_for_its_own_scopes(world: OAuthWorld, scope: str) -> None:
    """A18: and A19: the twin asks for one of them."""
    form = {"grant_type": "client_credentials"}

    assert error(token(world, form | {"scope": scope}, basic("jobs"))) == (400, "invalid_scope")
    one = token(world, form | {"scope": "notes/read"}, basic("jobs")).json()
    assert payload(one["access_token"])["scope"] == "notes/read"


def test_grants_are_for_clients_that_have_them(world: OAuthWorld, browser: Browser) -> None:
    """A18: a client that signs users in does not sign in itself; nor the other way round."""
    code = browser.answer(code_request())["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}

    assert error(token(world, {"grant_type": "client_credentials"}, basic())) == (400, "unauthorized_client")
    assert error(token(world, form, basic("jobs"))) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    "grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"]
)
def test_other_grants_are_not_here(world: OAuthWorld, grant_type: str) -> None:
    """A10: no password grant."""
    form = {"grant_type": grant_type, "username": "ada", "password": "p"}

    assert error(token(world, form, basic())) == (400, "unsupported_grant_type")


# --- the form and the client ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"grant_type=client_credentials&scope=a&scope=a", None, id="repeated"),
        pytest.param(b"grant_type=client_credentials", "application/json", id="not-called-a-form"),
        pytest.param(b'{"grant_type": "client_credentials"}', "application/json", id="json"),
        pytest.param(b"grant_type=client_credentials&x=\xff", None, id="no-ascii"),
        pytest.param(b"grant_type=client_credentials" + b"&x=1" * 200, None, id="too-many"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"grant_type=", None, id="no-grant-type"),
    ],
)
def test_bad_forms_are_refused(world: OAuthWorld, body: bytes, content_type: str | None) -> None:
    """A16: whoever sends them."""
    headers = {"authorization": basic("jobs")}
    headers["content-type"] = content_type or "application/x-www-form-urlencoded"

    answer = httpx.post(f"{world.url}/oauth2/token", content=body, headers=headers, trust_env=False)

    assert error(answer) == (400, "invalid_request")


def test_unknown_parameters_are_ignored(world: OAuthWorld) -> None:
    """A16: the twin; a charset is no other type."""
    headers = {"authorization": basic("jobs")}
    headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"

    answer = httpx.post(
        f"{world.url}/oauth2/token",
        content=b"grant_type=client_credentials&colour=red&resource=a&resource=b",
        headers=headers,
        trust_env=False,
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("filler", [65537 - 31, 65536 - 31])
def test_longest_form(world: OAuthWorld, filler: int) -> None:
    """A16: 64 KiB are read; one byte more is refused, by whoever counts first."""
    headers = {"authorization": basic("jobs"), "content-type": "application/x-www-form-urlencoded"}
    body = b"grant_type=client_credentials&x=" + b"x" * (filler - 1)

    answer = httpx.post(f"{world.url}/oauth2/token", content=body, headers=headers, trust_env=False)

    assert answer.status_code == (413 if len(body) > 65536 else 200)


def test_token_is_not_got(world: OAuthWorld) -> None:
    """A16: GET has its parameters in addresses, which are logged."""
    answer = httpx.get(
        f"{world.url}/oauth2/token", params={"grant_type": "client_credentials"}, trust_env=False
    )

    assert answer.status_code == 405


CREDENTIALS = {"grant_type": "client_credentials"}


@pytest.mark.parametrize(
    ("form", "authorization", "expected"),
    [
        pytest.param({}, basic("jobs"), (200, None), id="basic"),
        pytest.param({"client_id": "jobs"}, basic("jobs"), (200, None), id="basic-and-its-id"),
        pytest.param({"client_id": "jobs", "client_secret": SECRET}, None, (200, None), id="post"),
        pytest.param({"client_id": "jobs"}, None, (400, "invalid_client"), id="no-secret"),
        pytest.param({"client_id": "jobs", "client_secret": "x"}, None, (400, "invalid_client"), id="wrong"),
        pytest.param({"client_id": "nobody"}, None, (400, "invalid_client"), id="unknown"),
        pytest.param({}, None, (400, "invalid_request"), id="nobody"),
        pytest.param({}, basic("jobs", "x"), (401, "invalid_client"), id="basic-wrong"),
        pytest.param({}, basic("jobs", ""), (401, "invalid_client"), id="basic-empty"),
        pytest.param({}, basic("nobody"), (401, "invalid_client"), id="basic-unknown"),
        pytest.param({}, "Basic %%%", (401, "invalid_client"), id="basic-broken"),
        pytest.param({}, "Basic am9icw==", (401, "invalid_client"), id="basic-no-colon"),
        pytest.param({}, "Bearer abc", (401, "invalid_client"), id="bearer"),
        pytest.param(
            {"client_id": "jobs", "client_secret": SECRET}, basic("jobs"), (400, "invalid_request"), id="both"
        ),
        pytest.param({"client_id": "confidential"}, basic("jobs"), (400, "invalid_request"), id="two-ids"),
        pytest.param(
            {"client_id": "public", "client_secret": "x"}, None, (400, "invalid_client"), id="public-with-one"
        ),
    ],
)
def test_client_authentication(
    world: OAuthWorld, form: dict[str, str], authorization: str | None, expected: tuple[int, str | None]
) -> None:
    """A17: by one of two ways, not by both; 401 is for who tried by Authorization (RFC 6749 §5.2)."""
    world.clock.advance(1000)  # what earlier tests have guessed is forgotten

    answer = token(world, CREDENTIALS | form, authorization)

    assert (answer.status_code, answer.json().get("error")) == expected
    assert ("www-authenticate" in answer.headers) is (expected[0] == 401)


def test_wrong_secrets_are_limited(world: OAuthWorld) -> None:
    """A17: while it is locked a right one is refused as well; a second later it is good again."""
    world.clock.advance(1000)
    before = token(world, CREDENTIALS, basic("jobs"))
    wrong = [token(world, CREDENTIALS, basic("jobs", "x")) for _ in range(12)]
    locked = token(world, CREDENTIALS, basic("jobs"))
    world.clock.advance(1000)
    after = token(world, CREDENTIALS, basic("jobs"))

    assert (before.status_code, after.status_code) == (200, 200)
    assert [answer.status_code for answer in wrong[:10]] == [401] * 10
    assert (wrong[-1].status_code, locked.status_code) == (429, 429)
    assert locked.headers["retry-after"] == "1"


# --- revocation ----------------------------------------------------------------------------------


def test_revoked_refresh_token_takes_its_tokens_along(world: OAuthWorld, browser: Browser) -> None:
    """A9: refused at refresh and at userInfo from then on; 200 for unknown ones and the second time."""
    form = public_code(browser)
    tokens = token(world, form).json()
    revoke = {"client_id": "public", "token": tokens["refresh_token"]}
    assert userinfo(world, tokens["access_token"]).status_code == 200

    answers = [token(world, revoke | change, path="/oauth2/revoke") for change in ({}, {}, {"token": "x"})]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 3
    assert error(token(world, refresh_form(tokens["refresh_token"]))) == (400, "invalid_grant")
    assert userinfo(world, tokens["access_token"]).status_code == 401


def test_revocation_needs_the_client(world: OAuthWorld, browser: Browser) -> None:
    """A9: another client's token stays alive, though the answer is the same."""
    world.clock.advance(1000)
    tokens = exchange(world, browser.answer(code_request())["code"]).json()
    revoke = {"token": tokens["refresh_token"]}

    answers = [
        token(world, revoke | {"client_id": "confidential"}, path="/oauth2/revoke"),
        token(world, revoke, basic(secret="x"), path="/oauth2/revoke"),
        token(world, {}, basic(), path="/oauth2/revoke"),
        token(world, {"token": tokens["access_token"]}, basic(), path="/oauth2/revoke"),
    ]
    by_another = token(world, revoke, basic("confidential2"), path="/oauth2/revoke")

    assert [error(answer) for answer in answers] == [
        (401, "invalid_client"),
        (401, "invalid_client"),
        (400, "invalid_request"),
        (400, "unsupported_token_type"),
    ]
    assert by_another.status_code == 200
    assert userinfo(world, tokens["access_token"]).status_code == 200
