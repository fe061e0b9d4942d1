"""The login page: what it shows, whom it lets in, and where it leads."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from auth.core.steps import Challenge
from auth.errors import (
    AuthError,
    LockedOut,
    NotAuthorized,
    PasswordResetRequired,
    TooManyRequests,
    Unavailable,
    UserNotConfirmed,
)
from tests.support.pages_world import (
    CALLBACK,
    CLIENT,
    OWN,
    URL,
    PagesWorld,
    Scripted,
    query,
    texts_of,
    token_of,
)

GOOD = {"username": "ada@example.com", "password": "correct horse"}


async def test_good_password_leads_to_the_client_with_303() -> None:
    """A14: a redirect that does not carry the password along."""
    world = PagesWorld()
    async with world.browser() as browser:
        answer = await browser.post("/login", GOOD)
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    given = parse_qs(location.query)
    assert given["state"] == ["s1"]
    assert len(given["code"][0]) == 43
    assert answer.content == b""


async def test_passwords_are_hashed_on_their_own_lane() -> None:
    """B8: neither on the event loop nor where everybody else's requests wait."""
    world = PagesWorld()
    async with world.browser() as browser:
        await browser.post("/login", GOOD)
    assert world.sign_in.threads == {"auth-passwords_0"}


async def test_login_takes_a_new_handle_and_keeps_nothing_of_the_way() -> None:
    """B1: the cookie after the log-in is another one."""
    world = PagesWorld()
    async with world.browser() as browser:
        await browser.get("/login")
        before = browser.cookie()
        await browser.post("/login", GOOD)
        after = browser.cookie()
    assert before != after
    assert list(world.store.rows) == [after]


async def test_page_alone_writes_nothing() -> None:
    world = PagesWorld()
    async with world.browser() as browser:
        await browser.get("/login")
    assert world.store.rows == {}


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (NotAuthorized(), 400, "The name or the password is wrong."),
        (LockedOut(), 400, "Too many wrong passwords."),
        (TooManyRequests(), 429, "Too many tries."),
        (Unavailable(), 503, "We cannot answer just now."),
        (AuthError(), 500, "Something went wrong on our side."),
    ],
)
async def test_refusal_is_told_on_the_same_page(error: AuthError, status: int, text: str) -> None:
    world = PagesWorld(sign_in=Scripted(begin=error))
    async with world.browser() as browser:
        page = await browser.post("/login", GOOD)
    assert page.status_code == status
    assert text in texts_of(page)
    assert 'value="ada@example.com"' in page.text
    assert GOOD["password"] not in page.text
    assert page.text.count("<title>Error:") == 1
    assert ("retry-after" in page.headers) is (status in (429, 503))
    assert world.grants == []


async def test_wrong_name_and_wrong_password_look_alike() -> None:
    """B6: byte for byte, but for the form's token and the name that was typed."""
    pages = []
    for name in ("ada@example.com", "nobody@example.com"):
        world = PagesWorld(sign_in=Scripted(begin=NotAuthorized(detail=name)))
        async with world.browser() as browser:
            page = await browser.post("/login", GOOD | {"username": name})
        pages.append((page.status_code, page.text.replace(name, "NAME").replace(token_of(page), "TOKEN")))
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("error", "path", "text"),
    [
        (UserNotConfirmed(), "/confirmUser", "not confirmed yet"),
        (PasswordResetRequired(), "/forgotPassword", "must be reset"),
    ],
)
async def test_user_in_another_state_is_led_on(error: AuthError, path: str, text: str) -> None:
    world = PagesWorld(sign_in=Scripted(begin=error))
    async with world.browser() as browser:
        answer = await browser.post("/login", GOOD)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?{query()}")
        page = await browser.get(answer.headers["location"])
    assert text in texts_of(page)
    assert "ada@example.com" in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "x" * 26},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": "https://evil.example/"},
        {"client_id": None},
        {"redirect_uri": None},
    ],
)
async def test_bad_client_or_address_gets_a_page_here(changes: dict[str, str | None]) -> None:
    """A1: on every page and for forms as well (A2); the good request beside it is served."""
    world = PagesWorld()
    async with world.browser() as browser:
        token = await browser.token()
        for page in (
            await browser.get("/login", query(**changes)),
            await browser.post("/login", GOOD, asked=query(**changes), token=token),
        ):
            assert page.status_code == 400
            assert "location" not in page.headers
            assert "evil.example" not in page.text
        assert (await browser.post("/login", GOOD, token=token)).status_code == 303
    assert len(world.grants) == 1


async def test_other_errors_of_the_request_go_to_the_client() -> None:
    async with PagesWorld().browser() as browser:
        answer = await browser.get("/login", query(scope="nonsense"))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{CALLBACK}?error=invalid_scope")


async def test_request_goes_along_to_every_link() -> None:
    asked = query(state='a&b="c"<d>', nonce="n1")
    async with PagesWorld().browser() as browser:
        page = await browser.get("/login", asked)
    links = re.findall(r'(?:href|action)="(/(?!assets)[^"]+)"', page.text)
    assert len(links) == 3
    for link in links:
        carried = parse_qs(urlsplit(link.replace("&amp;", "&")).query)
        assert carried["state"] == ['a&b="c"<d>']
        assert carried["nonce"] == ["n1"]


@pytest.mark.parametrize("canary", ["<script>x()</script>", '"><img src=x onerror=y>', "{{ 7*7 }}", "'\"&<>"])
async def test_whatever_is_sent_is_text(canary: str) -> None:
    """B5: A11: names, hints and states are shown escaped."""
    world = PagesWorld(sign_in=Scripted(begin=NotAuthorized()))
    async with world.browser() as browser:
        hinted = await browser.get("/login", query(login_hint=canary, state=canary))
        typed = await browser.post("/login", GOOD | {"username": canary})
    for page in (hinted, typed):
        assert "<script" not in page.text
        assert "<img src=x" not in page.text
        value = re.search(r'id="username"[^>]* value="([^"]*)"', page.text)
        assert value is not None
        from html import unescape

        assert unescape(value[1]) == canary


async def test_no_page_has_a_script_or_a_style_of_its_own() -> None:
    """B5: nothing inline that a policy would have to allow."""
    async with PagesWorld().browser() as browser:
        for path in (
            "/login",
            "/signup",
            "/confirmUser",
            "/resendcode",
            "/forgotPassword",
            "/confirmForgotPassword",
        ):
            page = await browser.get(path)
            assert page.status_code == 200, path
            assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", page.text), path


async def test_policy_names_the_client_that_the_form_leads_to() -> None:
    """B4: nothing is loaded but our own, nobody frames it, and the 303 may leave for this client only."""
    async with PagesWorld().browser() as browser:
        page = await browser.get("/login")
        other = await browser.get("/login", query(client_id="x"))
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "form-action 'self' https://notes.example.com; base-uri 'none'; frame-ancestors 'none'"
    )
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "form-action 'self';" in other.headers["content-security-policy"]


async def test_nobody_is_told_the_address_of_the_page() -> None:
    """A15: it holds the request."""
    async with PagesWorld().browser() as browser:
        for page in (await browser.get("/login"), await browser.get("/login", "client_id=x")):
            assert page.headers["referrer-policy"] == "no-referrer"
            assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "https://other.example.com"},
        {"sec-fetch-site": "none", "origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": URL},
        {"sec-fetch-site": "same-origin", "origin": "https://rebound.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": URL + ".evil.example"},
        {},
    ],
)
async def test_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    """B3: with the right cookie and the right token; log-in as well."""
    world = PagesWorld()
    async with world.browser() as browser:
        token = await browser.token()
        page = await browser.post("/login", GOOD, headers=headers, token=token)
        assert page.status_code == 403
        assert "another site" in texts_of(page)
        assert world.sign_in.calls == []
        assert (await browser.post("/login", GOOD, token=token)).status_code == 303


@pytest.mark.parametrize("headers", [OWN, {"origin": URL}, {"sec-fetch-site": "same-origin", "origin": URL}])
async def test_form_of_our_own_page_is_taken(headers: dict[str, str]) -> None:
    async with PagesWorld().browser() as browser:
        assert (await browser.post("/login", GOOD, headers=headers)).status_code == 303


async def test_form_without_this_session_s_token_is_asked_for_again() -> None:
    """B3: nothing is tried; what was typed is there again, and the second try works."""
    world = PagesWorld()
    async with world.browser() as stranger:
        foreign = await stranger.token()
    async with world.browser() as browser:
        await browser.get("/login")
        for token in ("", "x", foreign):
            page = await browser.post("/login", GOOD, token=token)
            assert page.status_code == 403
            assert "Please try again" in texts_of(page)
            assert 'value="ada@example.com"' in page.text
        assert world.sign_in.calls == []
        assert (await browser.post("/login", GOOD, token=token_of(page))).status_code == 303


async def test_browser_that_keeps_no_cookie_is_told_so() -> None:
    world = PagesWorld()
    async with world.browser() as browser:
        token = await browser.token()
        browser.http.cookies.clear()
        page = await browser.post("/login", GOOD, token=token)
        assert page.status_code == 403
        assert "Allow cookies" in texts_of(page)
        assert (await browser.post("/login", GOOD, token=token_of(page))).status_code == 303


async def test_form_that_says_something_twice_or_is_none_is_refused() -> None:
    """A16: on pages as well."""
    world = PagesWorld()
    async with world.browser() as browser:
        token = await browser.token()
        url = f"/login?{query()}"
        body = f"_csrf={token}&username=a&username=b&password=c"
        form = {"content-type": "application/x-www-form-urlencoded"}
        for content, headers in (
            (body, form),
            (body.replace("&username=b", ""), {"content-type": "text/plain"}),
            (body.replace("&username=b", "&x=" + "y" * 70_000), form),
        ):
            page = await browser.http.post(url, content=content, headers=OWN | headers)
            assert page.status_code in (400, 413)
        assert world.sign_in.calls == []
        content = body.replace("&username=b", "")
        assert (await browser.http.post(url, content=content, headers=OWN | form)).status_code == 303


async def test_empty_fields_are_named() -> None:
    world = PagesWorld()
    async with world.browser() as browser:
        page = await browser.post("/login", {"username": " ", "password": ""})
    assert page.status_code == 400
    assert '<a href="#username">Fill this in.</a>' in page.text
    assert '<a href="#password">Fill this in.</a>' in page.text
    assert 'aria-invalid="true" aria-describedby="username-problem"' in page.text
    assert len(re.findall(r"\sautofocus", page.text)) == 1
    assert world.sign_in.calls == []


async def test_name_that_the_client_knows_is_filled_in() -> None:
    async with PagesWorld().browser() as browser:
        page = await browser.get("/login", query(login_hint="ada@example.com"))
    assert re.search(r'id="username"[^>]* value="ada@example.com"', page.text)
    assert re.search(r'id="password"[^>]* autofocus', page.text)


async def test_two_tabs_do_not_meet() -> None:
    """Each has its own request and its own open challenge."""
    codes = Scripted(
        begin=[
            Challenge(name="SOFTWARE_TOKEN_MFA", handle="one"),
            Challenge(name="NEW_PASSWORD_REQUIRED", handle="two"),
        ],
        answer=NotAuthorized(),
    )
    async with PagesWorld(sign_in=codes).browser() as browser:
        first = await browser.post("/login", GOOD, asked=query(state="one"))
        second = await browser.post("/login", GOOD, asked=query(state="two"))
        assert first.headers["location"].startswith("/mfa?")
        assert second.headers["location"].startswith("/newPassword?")
        await browser.post("/mfa", {"code": "123456"}, asked=query(state="one"))
    assert codes.calls[-1][1][:2] == ("SOFTWARE_TOKEN_MFA", "one")


async def test_client_of_a_custom_scheme_may_be_led_to() -> None:
    app = "com.example.notes:/back"
    world = PagesWorld(client=replace(CLIENT, redirect_uris=(app,)))
    async with world.browser() as browser:
        page = await browser.get("/login", query(redirect_uri=app))
    assert "form-action 'self' com.example.notes:;" in page.headers["content-security-policy"]
