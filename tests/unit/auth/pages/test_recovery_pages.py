"""A forgotten password."""

import pytest

from auth.errors import (
    AuthError,
    CodeMismatch,
    InvalidParameter,
    InvalidPassword,
    LimitExceeded,
    NotAuthorized,
    Unavailable,
    UserNotFound,
)
from tests.support.pages_world import PagesWorld, Scripted, query, texts_of, token_of

RESET = {"username": "ada@example.com", "code": "123456", "password": "new one", "repeat": "new one"}


def world_with(**answers: object) -> PagesWorld:
    return PagesWorld(recovery=Scripted(**({"forgot": None, "reset": None} | answers)))


@pytest.mark.parametrize("outcome", [None, UserNotFound(), InvalidParameter(), NotAuthorized()])
async def test_every_name_is_answered_alike(outcome: AuthError | None) -> None:
    """B6: somebody, nobody, somebody without an address: the same redirect to the same page."""
    async with world_with(forgot=outcome).browser() as browser:
        answer = await browser.post("/forgotPassword", {"username": "ada@example.com"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/confirmForgotPassword?{query()}")
        assert "set-cookie" not in answer.headers
        page = await browser.get("/confirmForgotPassword")
    assert "If there is such an account" in texts_of(page)
    assert 'value="ada@example.com"' in page.text


@pytest.mark.parametrize(("error", "status"), [(LimitExceeded(), 429), (Unavailable(), 503)])
async def test_what_is_true_for_all_names_is_told(error: AuthError, status: int) -> None:
    async with world_with(forgot=error).browser() as browser:
        assert (await browser.post("/forgotPassword", {"username": "ada"})).status_code == status


async def test_good_code_leads_to_the_login() -> None:
    world = world_with()
    async with world.browser() as browser:
        answer = await browser.post("/confirmForgotPassword", RESET)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?{query()}")
        assert "Your password is changed" in texts_of(await browser.get("/login"))
    assert world.recovery.calls[-1][1] == ("ada@example.com", "123456", "new one")


@pytest.mark.parametrize(
    ("error", "changes", "text"),
    [
        (CodeMismatch(), {}, "The code is wrong."),
        (InvalidPassword(), {}, "The password is too weak. At least 8 characters."),
        (None, {"repeat": "other"}, "The two passwords differ."),
    ],
)
async def test_refusal_shows_the_form_without_secrets(
    error: AuthError | None, changes: dict[str, str], text: str
) -> None:
    async with world_with(reset=error).browser() as browser:
        page = await browser.post("/confirmForgotPassword", RESET | changes)
    assert page.status_code == 400
    assert text in texts_of(page)
    assert "new one" not in page.text
    assert token_of(page)
