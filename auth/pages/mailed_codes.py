"""Codes by mail between the password and being logged in: enter one, ask for another, choose them, set them up."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from auth.errors import InvalidParameter, InvalidSession
from auth.pages.challenges import answer, expect
from auth.pages.desk import Desk, Onward
from auth.pages.fields import bare_code
from auth.pages.problem import Problem, Refused
from auth.pages.visit import Visit, required


class MailedCodePage:
    template = "mfa_email.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object] | None:
        if visit.pending.challenge != "EMAIL_OTP":
            return None
        return {"destination": visit.pending.parameters.get("CODE_DELIVERY_DESTINATION", "")}

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        expect(visit, "EMAIL_OTP")
        required(form, "code")
        given = {"EMAIL_OTP_CODE": bare_code(form["code"])}
        onward = await self._desk.lane(visit, "store").run(answer, self._desk, visit, "EMAIL_OTP", given)
        return self._desk.onward(visit, onward)


class AnotherCodePage:
    template = "mfa_resend.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object] | None:
        return {} if visit.pending.challenge == "EMAIL_OTP" else None

    async def submit(self, visit: Visit, _form: Mapping[str, str]) -> Response:
        expect(visit, "EMAIL_OTP")
        return self._desk.onward(visit, await self._desk.lane(visit, "store").run(self._resend, visit))

    def _resend(self, visit: Visit) -> Onward:
        step = self._desk.identity.sign_in.resend(
            visit.pool, visit.client, visit.pending.handle, origin=visit.origin, now=visit.now
        )
        parameters = dict(step.parameters)
        pending = replace(
            visit.pending, handle=step.handle, parameters=parameters, notice="notice.code_resent"
        )
        return self._desk.turn(visit, "/mfa/email", pending)


class SelectPage:
    template = "mfa_select.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object] | None:
        return {} if visit.pending.challenge == "SELECT_MFA_TYPE" else None

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        expect(visit, "SELECT_MFA_TYPE")
        required(form, "method")
        given = {"ANSWER": form["method"]}
        onward = await self._desk.lane(visit, "store").run(
            answer, self._desk, visit, "SELECT_MFA_TYPE", given
        )
        return self._desk.onward(visit, onward)


class AddressPage:
    """Where codes by mail are set up: for those who have no verified address yet."""

    template = "mfa_address.html"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values(self, visit: Visit) -> Mapping[str, object] | None:
        takes_mail = "EMAIL_OTP" in visit.pending.parameters.get("MFAS_CAN_SETUP", "")
        return {} if visit.pending.challenge == "MFA_SETUP" and takes_mail else None

    async def submit(self, visit: Visit, form: Mapping[str, str]) -> Response:
        if self.values(visit) is None:
            raise InvalidSession
        required(form, "email")
        given = {"EMAIL": form["email"].strip()}
        try:
            onward = await self._desk.lane(visit, "store").run(answer, self._desk, visit, "MFA_SETUP", given)
        except InvalidParameter as error:
            raise Refused(Problem(text="problem.email", field="email")) from error
        return self._desk.onward(visit, onward)
