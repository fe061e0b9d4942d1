"""Create an account, confirm it with the code from the mail, have the code sent again.

Whether a name is taken is told by mail to its owner, never on a page (B6): whoever signs up is asked for a code.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import Response

from auth.errors import AuthError, InvalidParameter, LimitExceeded, TooManyRequests, Unavailable
from auth.pages.desk import Desk, Onward
from auth.pages.fields import (
    attribute_problems,
    bare_code,
    name_label,
    name_type,
    password_problems,
    password_rule,
    sign_up_attributes,
    sign_up_fields,
    sign_up_name,
)
from auth.pages.pending import Pending
from auth.pages.problem import Problem, Refused
from auth.pages.visit import Visit, required


class SignUpPage:
    template = "sign_up.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object]:
        if not visit.pool.self_sign_up:
            raise HTTPException(404, visit.texts("error.no_sign_up"))
        return {
            "fields": sign_up_fields(visit.pool),
            "is_name_email": visit.pool.sign_in_with == {"email"},
            "password_rule": password_rule(visit.pool, visit.texts),
        }

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        self.values(visit)
        required(form, *sign_up_fields(visit.pool), "password", "repeat")
        attributes = sign_up_attributes(visit.pool, form)
        problems = [*attribute_problems(attributes), *password_problems(form)]
        if problems:
            raise Refused(*problems)
        try:
            onward = await self._desk.lane(visit, "passwords").run(self._sign_up, visit, form, attributes)
        except (
            InvalidParameter
        ) as error:  # the form of the name, which is all that is judged closer than here
            name = sign_up_fields(visit.pool)[0]
            raise Refused(Problem(text=f"problem.{name}", field=name)) from error
        return self._desk.onward(visit, onward)

    def _sign_up(self, visit: Visit, form: Mapping[str, str], attributes: Mapping[str, str]) -> Onward:
        username = sign_up_name(visit.pool, attributes, form)
        done = self._desk.identity.sign_up.sign_up(
            visit.pool,
            visit.client,
            username,
            form["password"],
            attributes,
            origin=visit.origin,
            now=visit.now,
            quiet=True,
        )
        if done.is_confirmed:
            return self._desk.turn(visit, "/login", Pending(username=username, notice="notice.created"))
        pending = Pending(
            username=username,
            destination=done.delivery.destination_masked if done.delivery else "",
            password_hash=done.password_hash,
        )
        return self._desk.turn(visit, "/confirmUser", pending)


class ConfirmPage:
    template = "confirm.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object]:
        return _whose(visit) | {"destination": visit.pending.destination}

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        required(form, "username", "code")
        onward = await self._desk.lane(visit, "store").run(self._confirm, visit, form)
        return self._desk.onward(visit, onward)

    def _confirm(self, visit: Visit, form: Mapping[str, str]) -> Onward:
        username = form["username"].strip()
        self._desk.identity.sign_up.confirm(
            visit.pool,
            visit.client,
            username,
            bare_code(form["code"]),
            origin=visit.origin,
            now=visit.now,
            password_hash=_hash_of(visit, username) or None,
        )
        return self._desk.turn(visit, "/login", Pending(username=username, notice="notice.confirmed"))


class ResendPage:
    template = "resend.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object]:
        return _whose(visit)

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        required(form, "username")
        onward = await self._desk.lane(visit, "store").run(self._resend, visit, form)
        return self._desk.onward(visit, onward)

    def _resend(self, visit: Visit, form: Mapping[str, str]) -> Onward:
        username = form["username"].strip()
        try:
            self._desk.identity.sign_up.resend(
                visit.pool, visit.client, username, origin=visit.origin, now=visit.now
            )
        except (LimitExceeded, TooManyRequests, Unavailable):
            raise
        except AuthError:
            pass  # a name that nobody has, or a user who is confirmed: answered alike
        again = Pending(username=username, notice="notice.resent", password_hash=_hash_of(visit, username))
        return self._desk.turn(visit, "/confirmUser", again)


def _hash_of(visit: Visit, username: str) -> str:
    """Of the password that this browser signed that name up with, if it did."""
    return visit.pending.password_hash if visit.pending.username == username else ""


def _whose(visit: Visit) -> dict[str, object]:
    return {
        "name_label": name_label(visit.pool, visit.texts),
        "name_type": name_type(visit.pool),
        "username": visit.pending.username,
    }
