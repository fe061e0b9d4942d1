"""One request to one page, with what was found out before the page itself is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from auth.client import Client
from auth.core.steps import Origin
from auth.oauth.authorization_request import AuthorizationRequest
from auth.pages.pending import Pending
from auth.pages.problem import Problem, Refused
from auth.pages.texts import Texts
from auth.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """:param asked: the authorization request that goes along, found good again for this page.

    :param query: its parameters, written by us. :param browser: the handle of the cookie, or a new one.
    :param has_cookie: whether the browser brought it.
    """

    request: Request
    asked: AuthorizationRequest
    query: str = field(repr=False)
    browser: str = field(repr=False)
    has_cookie: bool
    pending: Pending
    texts: Texts
    origin: Origin
    now: datetime

    @property
    def pool(self) -> Pool:
        return self.asked.pool

    @property
    def client(self) -> Client:
        return self.asked.client

    def address(self, path: str) -> str:
        """Another page, with the same request."""
        return f"{path}?{self.query}"


class Page(Protocol):
    """:ivar template: file name."""

    template: str

    def values(self, visit: Visit) -> Mapping[str, object] | None:
        """What the template shows; None: there is nothing to show here, log in first."""
        ...

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        """:raises Refused, AuthError: the form is shown again and says why."""
        ...


def required(form: Mapping[str, str], *names: str) -> None:
    """:raises Refused: one of the fields is empty."""
    missing = [name for name in names if not form.get(name, "").strip()]
    if missing:
        raise Refused(*(Problem(text="problem.missing", field=name) for name in missing))
