"""What every page does alike: read the request that goes along, refuse what our own page did not send, show, send on.

Each answer costs one hop to a lane before the page (the request and where the visitor is) and one for a flow.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from auth.core.steps import SignedIn, Step
from auth.errors import AuthError, InvalidSession
from auth.identity import Identity, LaneName
from auth.lanes import Lane
from auth.oauth.authorize import Authorizer
from auth.oauth.errors import PageError, RedirectError
from auth.oauth.parameters import MalformedParameters, canonical
from auth.pages.assets import Assets
from auth.pages.error import error_page
from auth.pages.fields import password_rule
from auth.pages.form import NO_FORM, TOKEN, OwnOrigin, read_form
from auth.pages.page import pages, see_other
from auth.pages.pending import NOTHING, Pending, PendingSteps
from auth.pages.problem import Problem, Refused, refusal_of
from auth.pages.texts import choose
from auth.pages.visit import Page, Visit
from auth.sessions import form_token, is_form_token, new_handle

PAGE_OF_CHALLENGE: Mapping[str, str] = {
    "SOFTWARE_TOKEN_MFA": "/mfa",
    "EMAIL_OTP": "/mfa/email",
    "SELECT_MFA_TYPE": "/mfa/select",
    "MFA_SETUP": "/mfa/setup",
    "NEW_PASSWORD_REQUIRED": "/newPassword",
}

_APP = "SOFTWARE_TOKEN_MFA"
_KEPT = ("username", "email", "phone_number", "device")  # what a form shows again; never a password or a code

log = logging.getLogger("lockgate.auth.pages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Where the browser goes after a form. :param handle: of a new session; None: the cookie stays as it is."""

    location: str = field(repr=False)
    handle: str | None = field(default=None, repr=False)


class Desk:
    """One for all pages."""

    def __init__(self, identity: Identity, authorizer: Authorizer, assets: Assets) -> None:
        self.identity = identity
        self._authorizer = authorizer
        self._assets = assets
        self._own = OwnOrigin(identity.auth_url)
        self._pending = PendingSteps(identity.store.browser_sessions)

    def endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        return partial(self._serve, page)

    async def _serve(self, page: Page, request: Request) -> Response:
        try:
            visit = await self.identity.lanes.store.run(self._visit, request)
        except PageError as error:
            return error_page(self.identity, str(error), status=error.status)
        except RedirectError as error:
            return see_other(error.location)
        if request.method != "POST":
            return self._show(page, visit)
        if not self._own.sent(request.headers):  # B3: login CSRF counts
            log.warning("a form for %s was sent by another site", request.url.path)
            return error_page(self.identity, visit.texts("error.cross_site"), status=403)
        return await self._submit(page, visit, await read_form(request))

    async def _submit(self, page: Page, visit: Visit, form: Mapping[str, str]) -> Response:
        if not visit.has_cookie:
            return self._show(page, visit, form, Refused(Problem(text="problem.cookies"), status=403))
        if not is_form_token(visit.browser, form.get(TOKEN, "")):
            return self._show(page, visit, form, Refused(Problem(text="problem.again"), status=403))
        try:
            return await page.submit(visit, form)
        except Refused as refused:
            return self._show(page, visit, form, refused)
        except InvalidSession:
            return await self.restart(visit, "problem.expired")
        except RedirectError as error:
            return see_other(error.location)
        except AuthError as error:
            if error.detail:
                log.info("%s: %s", error.code, error.detail)
            return self._show(page, visit, form, refusal_of(error, password_rule(visit.pool, visit.texts)))

    def _visit(self, request: Request) -> Visit:
        """:raises PageError, RedirectError: see `Authorizer.read`."""
        identity, raw = self.identity, request.scope["query_string"]
        now = identity.clock()
        identity.directory.refresh(now)
        asked = self._authorizer.read(raw)  # A1, A2: each page judges the request again
        try:
            query = canonical(raw)
        except MalformedParameters as error:  # `read` has parsed it before
            raise PageError("invalid_request", "The address of this page is not complete.") from error
        cookie = identity.sessions.handle(request, asked.pool)
        languages = asked.language.split() or _languages(request.headers.get("accept-language", ""))
        return Visit(
            request=request,
            asked=asked,
            query=query,
            browser=cookie or new_handle(),
            has_cookie=cookie is not None,
            pending=NOTHING if cookie is None else self._pending.read(cookie, query, now),
            texts=choose(languages),
            origin=identity.origin_of(request),
            now=now,
        )

    # --- answers --------------------------------------------------------------------------------

    def _show(
        self, page: Page, visit: Visit, form: Mapping[str, str] = NO_FORM, refused: Refused | None = None
    ) -> Response:
        values = page.values(visit)
        if values is None:
            return see_other(visit.address("/login"))
        problems: Sequence[Problem] = refused.problems if refused else ()
        response = pages().page(
            page.template,
            texts=visit.texts,
            look=self._assets.look(visit.pool),
            status=refused.status if refused else 200,
            problems=problems,
            redirect_uri=visit.asked.redirect_uri,
            values={
                "form": {name: form.get(name, "") for name in _KEPT},
                "token": form_token(visit.browser),
                "action": visit.address(visit.request.url.path),
                "to": visit.address,
                "notice": "" if problems else visit.pending.notice,
                **values,
            },
        )
        if not visit.has_cookie:
            self.identity.sessions.remember(response, visit.pool, visit.browser)
        if refused and refused.status in (429, 503):
            response.headers["retry-after"] = "1"
        return response

    async def go(self, visit: Visit, path: str, pending: Pending) -> Response:
        """To another page of the same visit."""
        return self.onward(visit, await self.identity.lanes.store.run(self.turn, visit, path, pending))

    async def restart(self, visit: Visit, notice: str) -> Response:
        return await self.go(visit, "/login", Pending(username=visit.pending.username, notice=notice))

    def onward(self, visit: Visit, onward: Onward) -> Response:
        response = see_other(onward.location)
        if onward.handle is not None:
            self.identity.sessions.remember(response, visit.pool, onward.handle)
        return response

    def lane(self, visit: Visit, name: LaneName) -> Lane:
        """Where what *visit* asks for runs: apart, where the pool's triggers may be asked."""
        return self.identity.lane_for(visit.pool, name)

    # --- on a lane ------------------------------------------------------------------------------

    def turn(self, visit: Visit, path: str, pending: Pending) -> Onward:
        self._pending.keep(visit.browser, visit.query, visit.pool, pending, visit.now)
        return Onward(location=visit.address(path))

    def settle(self, visit: Visit, step: Step, username: str) -> Onward:
        """To the page of the next challenge, or logged in and back to the client.

        :raises RedirectError: the client wanted somebody else.
        """
        if isinstance(step, SignedIn):
            return self._arrive(visit, step)
        pending = Pending(
            username=username, challenge=step.name, handle=step.handle, parameters=dict(step.parameters)
        )
        if step.name == "MFA_SETUP" and _APP not in step.parameters.get("MFAS_CAN_SETUP", _APP):
            return self.turn(visit, "/mfa/address", pending)
        if step.name == "MFA_SETUP":
            seed, step = self.identity.sign_in.associate(visit.pool, visit.client, step.handle, now=visit.now)
            pending = replace(pending, seed=seed, handle=step.handle)
        return self.turn(visit, PAGE_OF_CHALLENGE[pending.challenge], pending)

    def _arrive(self, visit: Visit, signed_in: SignedIn) -> Onward:
        self._pending.forget(visit.browser, visit.query)
        begun = self.identity.sessions.log_in(visit.request, visit.pool, signed_in, visit.now)
        location = self._authorizer.grant(visit.asked, begun.session, now=visit.now)
        return Onward(location=location, handle=begun.handle)


def _languages(accepted: str) -> list[str]:
    """Of ``Accept-Language``; weights are in falling order in every browser's."""
    return [part.partition(";")[0].strip() for part in accepted.split(",")[:10]]
