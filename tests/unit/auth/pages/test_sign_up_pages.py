"""Sign up, confirm, resend: what is asked for, and that a taken name is told to nobody but its owner."""

from dataclasses import replace

import pytest

from auth.errors import (
    AliasExists,
    AuthError,
    CodeMismatch,
    ExpiredCode,
    InvalidParameter,
    InvalidPassword,
    LimitExceeded,
    Unavailable,
)
from auth.flows.delivery import Delivery
from auth.flows.signed_up import SignedUp
from auth.pool import PasswordPolicy, SignInName
from tests.support.pages_world import NOW, POOL, PagesWorld, Scripted, query, texts_of

FORM = {"email": "ada@example.com", "password": "Correct horse", "repeat": "Correct horse"}
SENT = SignedUp(
    sub="s", is_confirmed=False, delivery=Delivery(destination_masked="a***@e***"), password_hash="of ada"
)


def world_with(**answers: object) -> PagesWorld:
    return PagesWorld(sign_up=Scripted(**({"sign_up": SENT, "confirm": None, "resend": None} | answers)))


async def test_sign_up_asks_for_the_code_next() -> None:
    world = world_with()
    async with world.browser() as browser:
        answer = await browser.post("/signup", FORM)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/confirmUser?{query()}")
        page = await browser.get("/confirmUser")
        assert "a***@e***" in texts_of(page)
        done = await browser.post("/confirmUser", {"username": "ada@example.com", "code": " 123 456 "})
        assert done.headers["location"] == f"/login?{query()}"
        assert "Your account is confirmed" in texts_of(await browser.get("/login"))
    (_, given, named), (_, confirmed, _) = world.sign_up.calls
    assert given == ("ada@example.com", "Correct horse", {"email": "ada@example.com"})
    assert named["quiet"] is True
    assert named["now"] == NOW
    assert confirmed == ("ada@example.com", "123456")


async def test_sign_up_is_quiet_about_names() -> None:
    """B6: the flow is asked to answer alike for a name that is taken; the page has no other answer."""
    world = world_with()
    async with world.browser() as browser:
        await browser.post("/signup", FORM)
    assert world.sign_up.calls[0][2]["quiet"] is True


@pytest.mark.parametrize(
    ("typed", "resends", "expected"),
    [
        pytest.param("ada@example.com", False, "of ada", id="the-name-that-was-signed-up"),
        pytest.param("ada@example.com", True, "of ada", id="after-another-code"),
        pytest.param("eve@example.com", False, None, id="another-name"),
    ],
)
async def test_code_confirms_the_password_of_this_browser(
    typed: str, resends: bool, expected: str | None
) -> None:
    """Not of a stranger who had signed up with the address before; and of nobody else's name."""
    world = world_with()
    async with world.browser() as browser:
        await browser.post("/signup", FORM)
        if resends:
            await browser.post("/resendcode", {"username": "ada@example.com"})
        await browser.post("/confirmUser", {"username": typed, "code": "123456"})
    assert world.sign_up.calls[-1][2]["password_hash"] == expected


async def test_who_needs_no_code_logs_in() -> None:
    world = world_with(sign_up=SignedUp(sub="s", is_confirmed=True, delivery=None, password_hash=""))
    async with world.browser() as browser:
        answer = await browser.post("/signup", FORM)
    assert answer.headers["location"].startswith("/login?")


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"email": ""}, "email", "Fill this in."),
        ({"email": "ada"}, "email", "This is not an email address"),
        ({"repeat": "another"}, "repeat", "The two passwords differ."),
        ({"password": ""}, "password", "Fill this in."),
    ],
)
async def test_what_was_not_typed_well_is_named(changes: dict[str, str], field: str, text: str) -> None:
    world = world_with()
    async with world.browser() as browser:
        page = await browser.post("/signup", FORM | changes)
    assert page.status_code == 400
    assert f'<a href="#{field}">{text}' in page.text
    assert f'id="{field}-problem"' in page.text
    assert "Correct horse" not in page.text
    assert world.sign_up.calls == []


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (InvalidPassword(), 400, "At least 12 characters, with a capital letter and a digit."),
        (InvalidParameter(), 400, "This is not an email address"),
        (LimitExceeded(), 429, "Too many tries."),
        (Unavailable(), 503, "We cannot answer just now."),
    ],
)
async def test_refusal_of_a_sign_up(error: AuthError, status: int, text: str) -> None:
    policy = PasswordPolicy(min_length=12, require=frozenset({"upper", "digit"}))
    world = world_with(sign_up=error)
    world.pool = replace(POOL, password=policy)
    async with world.browser() as browser:
        page = await browser.post("/signup", FORM)
    assert page.status_code == status
    assert text in texts_of(page)


@pytest.mark.parametrize(
    ("names", "form", "username", "attributes"),
    [
        ({"username"}, {"username": " ada "}, "ada", {"email": "ada@example.com"}),
        (
            {"phone"},
            {"phone_number": "+44 20 7946-0958"},
            "+442079460958",
            {"email": "ada@example.com", "phone_number": "+442079460958"},
        ),
        ({"username", "email"}, {"username": "ada"}, "ada", {"email": "ada@example.com"}),
    ],
)
async def test_form_asks_for_what_the_pool_signs_in_with(
    names: set[SignInName], form: dict[str, str], username: str, attributes: dict[str, str]
) -> None:
    world = world_with()
    world.pool = replace(POOL, sign_in_with=frozenset(names))
    async with world.browser() as browser:
        assert (await browser.post("/signup", FORM | form)).status_code == 303
    assert world.sign_up.calls[0][1] == (username, FORM["password"], attributes)


async def test_phone_number_needs_its_country() -> None:
    world = world_with()
    world.pool = replace(POOL, sign_in_with=frozenset({"phone"}))
    async with world.browser() as browser:
        page = await browser.post("/signup", FORM | {"phone_number": "020 7946 0958"})
    assert '<a href="#phone_number">' in page.text
    assert world.sign_up.calls == []


async def test_pool_without_sign_up_has_no_such_page() -> None:
    world = world_with()
    world.pool = replace(POOL, self_sign_up=False)
    async with world.browser() as browser:
        assert "/signup" not in (await browser.get("/login")).text
        assert (await browser.get("/signup")).status_code == 404
        token = await browser.token()
        assert (await browser.post("/signup", FORM, token=token)).status_code == 404
    assert world.sign_up.calls == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CodeMismatch(), "The code is wrong."),
        (ExpiredCode(), "Ask for a new one."),
        (AliasExists(), "Somebody else has an account"),
    ],
)
async def test_refusal_of_a_code(error: AuthError, text: str) -> None:
    async with world_with(confirm=error).browser() as browser:
        page = await browser.post("/confirmUser", {"username": "ada@example.com", "code": "000000"})
    assert page.status_code == 400
    assert text in texts_of(page)


async def test_confirm_page_of_another_browser_asks_for_the_name() -> None:
    async with world_with().browser() as browser:
        assert 'id="username"' in (await browser.get("/confirmUser")).text


@pytest.mark.parametrize("outcome", [None, InvalidParameter("User is already confirmed.")])
async def test_new_code_is_answered_alike(outcome: AuthError | None) -> None:
    """B6: whether anybody waits for one or not."""
    async with world_with(resend=outcome).browser() as browser:
        answer = await browser.post("/resendcode", {"username": "ada@example.com"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/confirmUser?{query()}")
        assert "If an account waits" in texts_of(await browser.get("/confirmUser"))


async def test_too_many_new_codes_are_refused() -> None:
    async with world_with(resend=LimitExceeded()).browser() as browser:
        assert (await browser.post("/resendcode", {"username": "ada@example.com"})).status_code == 429
