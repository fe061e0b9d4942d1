"""A forgotten password: have a code sent, and use it. Every name is answered alike (B6)."""

from collections.abc import Mapping

from starlette.responses import Response

from auth.errors import AuthError, LimitExceeded, TooManyRequests, Unavailable
from auth.pages.desk import Desk, Onward
from auth.pages.fields import bare_code, name_label, name_type, password_problems, password_rule
from auth.pages.pending import Pending
from auth.pages.problem import Refused
from auth.pages.visit import Visit, required


class ForgotPage:
    template = "forgot.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object]:
        return {
            "name_label": name_label(visit.pool, visit.texts),
            "name_type": name_type(visit.pool),
            "username": visit.pending.username or visit.asked.login_hint,
        }

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        required(form, "username")
        onward = await self._desk.lane(visit, "store").run(self._send, visit, form["username"].strip())
        return self._desk.onward(visit, onward)

    def _send(self, visit: Visit, username: str) -> Onward:
        try:
            self._desk.identity.recovery.forgot(
                visit.pool, visit.client, username, origin=visit.origin, now=visit.now
            )
        except (LimitExceeded, TooManyRequests, Unavailable):
            raise
        except AuthError:
            pass  # nobody, or somebody without an address: answered alike
        return self._desk.turn(visit, "/confirmForgotPassword", Pending(username=username))


class ResetPage:
    template = "reset.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object]:
        return {
            "name_label": name_label(visit.pool, visit.texts),
            "name_type": name_type(visit.pool),
            "username": visit.pending.username,
            "password_rule": password_rule(visit.pool, visit.texts),
        }

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        required(form, "username", "code", "password", "repeat")
        problems = password_problems(form)
        if problems:
            raise Refused(*problems)
        onward = await self._desk.lane(visit, "passwords").run(self._reset, visit, form)
        return self._desk.onward(visit, onward)

    def _reset(self, visit: Visit, form: Mapping[str, str]) -> Onward:
        username = form["username"].strip()
        self._desk.identity.recovery.reset(
            visit.pool,
            visit.client,
            username,
            bare_code(form["code"]),
            form["password"],
            origin=visit.origin,
            now=visit.now,
        )
        return self._desk.turn(visit, "/login", Pending(username=username, notice="notice.reset"))
