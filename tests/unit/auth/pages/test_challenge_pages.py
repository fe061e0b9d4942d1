"""What comes between a right password and the client."""

import pytest

from auth.core.steps import Challenge
from auth.errors import (
    AuthError,
    CodeMismatch,
    EnableSoftwareToken,
    InvalidPassword,
    InvalidSession,
    LimitExceeded,
)
from tests.support.pages_world import CALLBACK, SIGNED_IN, PagesWorld, Scripted, query, texts_of

GOOD = {"username": "ada@example.com", "password": "correct horse"}
SEED = "JBSWY3DPEHPK3PXP" * 3 + "ABCD"


def world_at(name: str, **answers: object) -> PagesWorld:
    """Somebody whose password is right stands before challenge *name*, with handle ``h1``."""
    begun = Challenge(name=name, handle="h1")  # type: ignore[arg-type]
    setup = Challenge(name="MFA_SETUP", handle="h2")
    verified = Challenge(name="MFA_SETUP", handle="h3")
    flows = {
        "begin": begun,
        "answer": SIGNED_IN,
        "associate": (SEED, setup),
        "verify_association": verified,
    }
    return PagesWorld(sign_in=Scripted(**(flows | answers)))


@pytest.mark.parametrize(
    ("name", "path", "form", "answers"),
    [
        ("SOFTWARE_TOKEN_MFA", "/mfa", {"code": "123 456"}, {"SOFTWARE_TOKEN_MFA_CODE": "123456"}),
        ("EMAIL_OTP", "/mfa/email", {"code": "123 456"}, {"EMAIL_OTP_CODE": "123456"}),
        ("SELECT_MFA_TYPE", "/mfa/select", {"method": "EMAIL_OTP"}, {"ANSWER": "EMAIL_OTP"}),
        ("NEW_PASSWORD_REQUIRED", "/newPassword", {"password": "n", "repeat": "n"}, {"NEW_PASSWORD": "n"}),
    ],
)
async def test_right_answer_leads_to_the_client(
    name: str, path: str, form: dict[str, str], answers: dict[str, str]
) -> None:
    world = world_at(name)
    async with world.browser() as browser:
        asked = await browser.post("/login", GOOD)
        assert (asked.status_code, asked.headers["location"]) == (303, f"{path}?{query()}")
        assert world.grants == []
        answer = await browser.post(path, form)
        assert answer.headers["location"].startswith(f"{CALLBACK}?code=")
    assert world.sign_in.calls[-1][1] == (name, "h1", answers)
    assert list(world.store.rows) == world.store.logged_in()


async def test_handle_of_a_challenge_is_not_in_the_browser() -> None:
    """B12: a page cannot be made to answer for somebody else."""
    async with world_at("SOFTWARE_TOKEN_MFA").browser() as browser:
        answer = await browser.post("/login", GOOD)
        page = await browser.get("/mfa")
    assert "h1" not in texts_of(page)
    assert 'value="h1"' not in page.text
    assert "h1" not in str(answer.headers)


async def test_wrong_code_can_be_tried_again() -> None:
    world = world_at("SOFTWARE_TOKEN_MFA", answer=[CodeMismatch(), LimitExceeded(), SIGNED_IN])
    async with world.browser() as browser:
        await browser.post("/login", GOOD)
        assert "The code is wrong." in texts_of(await browser.post("/mfa", {"code": "1"}))
        assert (await browser.post("/mfa", {"code": "1"})).status_code == 429
        assert (await browser.post("/mfa", {"code": "2"})).status_code == 303
    assert [call[1][1] for call in world.sign_in.calls[1:]] == ["h1", "h1", "h1"]


async def test_challenge_that_is_over_leads_back_to_the_login() -> None:
    world = world_at("SOFTWARE_TOKEN_MFA", answer=InvalidSession())
    async with world.browser() as browser:
        await browser.post("/login", GOOD)
        answer = await browser.post("/mfa", {"code": "123456"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?{query()}")
        page = await browser.get("/login")
    assert "took too long" in texts_of(page)
    assert 'value="ada@example.com"' in page.text


@pytest.mark.parametrize("path", ["/mfa", "/mfa/setup", "/newPassword"])
@pytest.mark.parametrize("name", ["SOFTWARE_TOKEN_MFA", "MFA_SETUP", "NEW_PASSWORD_REQUIRED", None])
async def test_page_of_another_challenge_cannot_be_used(path: str, name: str | None) -> None:
    """B12: neither to skip the one that is open, nor without any; its own page can."""
    own = {"SOFTWARE_TOKEN_MFA": "/mfa", "MFA_SETUP": "/mfa/setup", "NEW_PASSWORD_REQUIRED": "/newPassword"}
    world = world_at(name or "SOFTWARE_TOKEN_MFA")
    form = {"code": "1", "password": "n", "repeat": "n"}
    async with world.browser() as browser:
        if name:
            await browser.post("/login", GOOD)
        token = await browser.token()
        shown = (await browser.get(path)).status_code
        calls = len(world.sign_in.calls)
        answer = await browser.post(path, form, token=token)
        is_own = name is not None and own[name] == path
        assert shown == (200 if is_own else 303)
        assert answer.headers["location"].startswith(CALLBACK if is_own else "/login?")
        assert (len(world.sign_in.calls) > calls) is is_own
    assert bool(world.grants) is is_own


async def test_set_up_shows_the_key_and_finishes_the_login() -> None:
    world = world_at("MFA_SETUP")
    async with world.browser() as browser:
        answer = await browser.post("/login", GOOD)
        assert answer.headers["location"].startswith("/mfa/setup?")
        page = await browser.get("/mfa/setup")
        assert " ".join([SEED[at : at + 4] for at in range(0, len(SEED), 4)]) in texts_of(page)
        assert f"otpauth://totp/Notes%3Aada%40example.com?secret={SEED}&amp;issuer=Notes" in page.text
        assert '<svg class="qr"' in page.text
        assert SEED in (await browser.get("/mfa/setup")).text.replace(" ", "")  # looked at twice, made once
        done = await browser.post("/mfa/setup", {"code": "123456", "device": "x" * 100})
    assert done.headers["location"].startswith(CALLBACK)
    begun, associated, verified, answered = [(name, given) for name, given, _ in world.sign_in.calls]
    assert begun[0] == "begin"
    assert associated == ("associate", ("h1",))
    assert verified == ("verify_association", ("h2", "123456", "x" * 60))
    assert answered == ("answer", ("MFA_SETUP", "h3", {}))


async def test_wrong_first_code_keeps_the_key() -> None:
    world = world_at("MFA_SETUP", verify_association=EnableSoftwareToken())
    async with world.browser() as browser:
        await browser.post("/login", GOOD)
        page = await browser.post("/mfa/setup", {"code": "1", "device": "Phone"})
    assert page.status_code == 400
    assert SEED in page.text.replace(" ", "")
    assert 'value="Phone"' in page.text


@pytest.mark.parametrize(
    ("error", "repeat", "text"),
    [(InvalidPassword(), "n", "At least 8 characters"), (None, "m", "The two passwords differ.")],
)
async def test_refusal_of_a_new_password(error: AuthError | None, repeat: str, text: str) -> None:
    world = world_at("NEW_PASSWORD_REQUIRED", answer=error)
    async with world.browser() as browser:
        await browser.post("/login", GOOD)
        page = await browser.post("/newPassword", {"password": "n", "repeat": repeat})
    assert page.status_code == 400
    assert text in texts_of(page)


async def test_another_code_by_mail() -> None:
    """B10: from the page that asks for one, by a form of its own; the new handle is the one that counts."""
    again = Challenge(name="EMAIL_OTP", handle="h2", parameters={"CODE_DELIVERY_DESTINATION": "a***@e***"})
    world = world_at("EMAIL_OTP", resend=again)
    async with world.browser() as browser:
        await browser.post("/login", GOOD)
        assert "/mfa/resend" in (await browser.get("/mfa/email")).text
        sent = await browser.post("/mfa/resend", {})
        assert sent.headers["location"] == f"/mfa/email?{query()}"
        shown = texts_of(await browser.get("/mfa/email"))
        assert "A new code is on its way." in shown
        assert "a***@e***" in shown
        await browser.post("/mfa/email", {"code": "123456"})
    assert world.sign_in.calls[-1][1] == ("EMAIL_OTP", "h2", {"EMAIL_OTP_CODE": "123456"})


@pytest.mark.parametrize("path", ["/mfa/email", "/mfa/resend", "/mfa/select", "/mfa/address"])
async def test_pages_of_codes_by_mail_need_their_challenge(path: str) -> None:
    """B12: with another one open they lead back, and nothing is answered."""
    world = world_at("SOFTWARE_TOKEN_MFA")
    async with world.browser() as browser:
        await browser.post("/login", GOOD)
        assert (await browser.get(path)).headers["location"] == f"/login?{query()}"
        form = {"code": "123456", "method": "EMAIL_OTP", "email": "ada@example.com"}
        assert (await browser.post(path, form)).headers["location"] == f"/login?{query()}"
    assert world.grants == []
    assert [call[0] for call in world.sign_in.calls] == ["begin"]


@pytest.mark.parametrize(
    ("methods", "path"), [('["EMAIL_OTP"]', "/mfa/address"), ('["SOFTWARE_TOKEN_MFA"]', "/mfa/setup")]
)
async def test_setting_up_what_the_pool_takes(methods: str, path: str) -> None:
    setup = Challenge(name="MFA_SETUP", handle="h1", parameters={"MFAS_CAN_SETUP": methods})
    async with world_at("MFA_SETUP", begin=setup).browser() as browser:
        asked = await browser.post("/login", GOOD)
        assert asked.headers["location"] == f"{path}?{query()}"
        assert (await browser.get(path)).status_code == 200
