"""Log in: a name and a password, or a refusal that is the same for all that may be wrong (B6)."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from auth.errors import PasswordResetRequired, UserNotConfirmed
from auth.pages.desk import Desk, Onward
from auth.pages.fields import name_label, name_type
from auth.pages.pending import Pending
from auth.pages.visit import Visit, required


class LoginPage:
    template = "login.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object]:
        return {
            "name_label": name_label(visit.pool, visit.texts),
            "name_type": name_type(visit.pool),
            "username": visit.pending.username or visit.asked.login_hint,
            "can_sign_up": visit.pool.self_sign_up,
        }

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        required(form, "username", "password")
        onward = await self._desk.lane(visit, "passwords").run(self._log_in, visit, form)
        return self._desk.onward(visit, onward)

    def _log_in(self, visit: Visit, form: Mapping[str, str]) -> Onward:
        username = form["username"].strip()
        known = Pending(username=username)
        try:
            step = self._desk.identity.sign_in.begin(
                visit.pool, visit.client, username, form["password"], origin=visit.origin, now=visit.now
            )
        except UserNotConfirmed:  # told only after the password was right
            return self._desk.turn(visit, "/confirmUser", replace(known, notice="notice.unconfirmed"))
        except PasswordResetRequired:
            return self._desk.turn(visit, "/forgotPassword", replace(known, notice="problem.must_reset"))
        return self._desk.settle(visit, step, username)
