"""What no honest client sends, and what a clock that was set back does to honest people."""

import re
from pathlib import Path

import httpx
import pytest

from tests.support.oauth_world import OAuthWorld
from tests.support.pages_site import PagesSite

PASSWORD = "Correct horse battery 1"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("field", "code"),
    [("code=%ff%fe", "invalid_request"), ("code=%c3%a9", "invalid_grant")],
    ids=["no-utf-8", "utf-8"],
)
def test_code_that_is_no_text_is_refused(world: OAuthWorld, field: str, code: str) -> None:
    """A16: it was a failure of ours (500) with a traceback in the log. RFC 6749, appendix B."""
    body = f"grant_type=authorization_code&client_id=public&redirect_uri=a&code_verifier=b&{field}"
    answer = httpx.post(f"{world.url}/oauth2/token", content=body, headers=FORM, trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (400, code)


@pytest.mark.parametrize("minutes", [0, 2])
def test_sign_in_after_a_clock_was_set_back(tmp_path: Path, minutes: int) -> None:
    """R6: a password is set, the clock is set back a little, and its owner signs in: session and code are good."""
    with PagesSite(tmp_path) as site, httpx.Client(trust_env=False) as browser:
        people = site.people
        people.add("ada@example.com", PASSWORD)
        people.administration.set_password(people.pool, "ada@example.com", PASSWORD, now=people.now)
        people.clock.move(-60 * minutes)
        page = browser.get(site.address("/login"))
        token = re.search(r'name="_csrf" value="([^"]+)"', page.text)
        assert token is not None
        back = browser.post(
            site.address("/login"),
            data={"_csrf": token[1], "username": "ada@example.com", "password": PASSWORD},
            headers={"origin": site.url, "sec-fetch-site": "same-origin"},
        ).headers["location"]
        code = site.given(back)["code"]
        client_id = people.client.client_id
        won = people.store.grants.redeem(code, client_id, people.now, lambda _: True, refresh=True)
        again = browser.get(site.address(prompt="none")).headers["location"]
    assert won is not None
    assert "code" in site.given(again)
