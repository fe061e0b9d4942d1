"""Somebody with a browser that knows forms and cookies but no script: signs up, logs in, gets tokens of the sample."""

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qs, urlencode

import httpx

CLIENT = "notesweb"
SCOPE = "openid email notes/read notes/write"
PASSWORD = "correct horse battery"
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_ACTION = re.compile(r'<form method="post" action="([^"]*)"')


class Site(Protocol):
    """Where the API and the login pages are, without a slash at the end."""

    @property
    def gateway(self) -> str: ...

    @property
    def auth(self) -> str: ...


class Person:
    """Close it, or use it as a context manager."""

    def __init__(self, site: Site, email: str) -> None:
        self.email = email
        self._site = site
        self._home = site.gateway + "/"
        self._verifier = secrets.token_urlsafe(48)
        self._http = httpx.Client(base_url=site.auth, follow_redirects=True, trust_env=False, timeout=15)

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def sign_up(self, code: Callable[[], str]) -> None:
        """:param code: waits for the mail and reads it."""
        page = self._http.get("/signup?" + self._request())
        asked = self._submit(page, email=self.email, password=PASSWORD, repeat=PASSWORD)
        assert "Check your email" in asked.text, asked.text
        done = self._submit(asked, username=self.email, code=code())
        assert "Your account is confirmed" in done.text, done.text

    def log_in(self) -> dict[str, str]:
        """:returns: the token endpoint's answer."""
        page = self._http.get("/oauth2/authorize?" + self._request())
        back = self._submit(page, username=self.email, password=PASSWORD)
        assert str(back.url).startswith(self._home), back.text
        (code,) = parse_qs(back.url.query.decode())["code"]
        form = {"grant_type": "authorization_code", "client_id": CLIENT, "redirect_uri": self._home}
        answer = self._http.post("/oauth2/token", data=form | {"code": code, "code_verifier": self._verifier})
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    def ask_for_tokens(self, **form: str) -> httpx.Response:
        return self._http.post("/oauth2/token", data={"client_id": CLIENT} | form)

    def _request(self) -> str:
        digest = hashlib.sha256(self._verifier.encode()).digest()
        return urlencode(
            {
                "client_id": CLIENT,
                "response_type": "code",
                "redirect_uri": self._home,
                "scope": SCOPE,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )

    def _submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        action = _ACTION.search(page.text)
        assert action is not None, page.text
        hidden = {name: html.unescape(value) for name, value in _FIELD.findall(page.text)}
        headers = {"origin": self._site.auth, "sec-fetch-site": "same-origin"}
        return self._http.post(page.url.join(html.unescape(action[1])), data=hidden | fields, headers=headers)
