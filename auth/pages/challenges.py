"""What may come between a right password and being logged in: a second factor, its set-up, a new password.

The open challenge is where the visitor is (`pending`), never in the form: a page that was left open cannot answer
for somebody else, and a page that has no challenge leads back to log in (B12).
"""

from collections.abc import Mapping

from starlette.responses import Response

from auth.core.steps import ChallengeName
from auth.errors import InvalidSession
from auth.pages.authenticator_link import authenticator_link
from auth.pages.desk import Desk, Onward
from auth.pages.fields import bare_code, password_problems, password_rule
from auth.pages.problem import Refused
from auth.pages.qr import qr_path
from auth.pages.visit import Visit, required

MAX_DEVICE_NAME = 60


class SecondFactorPage:
    template = "mfa.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object] | None:
        if visit.pending.challenge != "SOFTWARE_TOKEN_MFA":
            return None
        return {"device": visit.pending.parameters.get("FRIENDLY_DEVICE_NAME", "")}

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        expect(visit, "SOFTWARE_TOKEN_MFA")
        required(form, "code")
        onward = await self._desk.lane(visit, "store").run(
            answer,
            self._desk,
            visit,
            "SOFTWARE_TOKEN_MFA",
            {"SOFTWARE_TOKEN_MFA_CODE": bare_code(form["code"])},
        )
        return self._desk.onward(visit, onward)


class NewPasswordPage:
    template = "new_password.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object] | None:
        if visit.pending.challenge != "NEW_PASSWORD_REQUIRED":
            return None
        return {
            "username": visit.pending.username,
            "password_rule": password_rule(visit.pool, visit.texts),
        }

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        expect(visit, "NEW_PASSWORD_REQUIRED")
        required(form, "password", "repeat")
        problems = password_problems(form)
        if problems:
            raise Refused(*problems)
        onward = await self._desk.lane(visit, "passwords").run(
            answer, self._desk, visit, "NEW_PASSWORD_REQUIRED", {"NEW_PASSWORD": form["password"]}
        )
        return self._desk.onward(visit, onward)


class SetUpPage:
    template = "mfa_setup.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object] | None:
        if visit.pending.challenge != "MFA_SETUP" or not visit.pending.seed:
            return None
        seed = visit.pending.seed
        issuer = visit.pool.brand.name or visit.pool.name
        link = authenticator_link(issuer, visit.pending.username, seed)
        can_set_up = visit.pending.parameters.get("MFAS_CAN_SETUP", "")
        return {
            "by_mail": "EMAIL_OTP" in can_set_up,
            "seed": " ".join(seed[start : start + 4] for start in range(0, len(seed), 4)),
            "link": link,
            "qr": qr_path(link.encode()),
        }

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        expect(visit, "MFA_SETUP")
        required(form, "code")
        onward = await self._desk.lane(visit, "store").run(self._finish, visit, form)
        return self._desk.onward(visit, onward)

    def _finish(self, visit: Visit, form: Mapping[str, str]) -> Onward:
        sign_in = self._desk.identity.sign_in
        verified = sign_in.verify_association(
            visit.pool,
            visit.client,
            visit.pending.handle,
            bare_code(form["code"]),
            form.get("device", "").strip()[:MAX_DEVICE_NAME],
            origin=visit.origin,
            now=visit.now,
        )
        step = sign_in.answer(
            visit.pool, visit.client, "MFA_SETUP", verified.handle, {}, origin=visit.origin, now=visit.now
        )
        return self._desk.settle(visit, step, visit.pending.username)


def answer(desk: Desk, visit: Visit, name: ChallengeName, answers: Mapping[str, str]) -> Onward:
    """Runs on a lane. :raises AuthError: see `SignIn.answer`; after a wrong code the same page asks again."""
    step = desk.identity.sign_in.answer(
        visit.pool, visit.client, name, visit.pending.handle, answers, origin=visit.origin, now=visit.now
    )
    return desk.settle(visit, step, visit.pending.username)


def expect(visit: Visit, name: ChallengeName) -> None:
    if visit.pending.challenge != name:
        raise InvalidSession
