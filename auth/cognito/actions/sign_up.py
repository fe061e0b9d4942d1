"""SignUp and what leads from it to somebody who may sign in: ConfirmSignUp, ResendConfirmationCode."""

from dataclasses import replace
from typing import Any

from auth.cognito import members
from auth.cognito.action import Action, Answer, Call
from auth.cognito.caller import check_secret_hash, client_of
from auth.cognito.shapes import Flag, Structure
from auth.cognito.wire import attributes_of, delivery


def sign_up(call: Call) -> Answer:
    pool, client = client_of(call)
    check_secret_hash(call, client, call.text("Username"))
    signed_up = call.identity.sign_up.sign_up(
        pool,
        client,
        call.text("Username"),
        call.text("Password"),
        attributes_of(call.input.get("UserAttributes")),
        origin=replace(call.origin, validation_data=attributes_of(call.input.get("ValidationData"))),
        now=call.now,
    )
    answer: dict[str, Any] = {"UserConfirmed": signed_up.is_confirmed, "UserSub": signed_up.sub}
    if signed_up.delivery is not None:
        answer["CodeDeliveryDetails"] = delivery(signed_up.delivery)
    return answer


def confirm_sign_up(call: Call) -> Answer:
    pool, client = client_of(call)
    check_secret_hash(call, client, call.text("Username"))
    call.identity.sign_up.confirm(
        pool,
        client,
        call.text("Username"),
        call.text("ConfirmationCode"),
        takes_over=bool(call.input.get("ForceAliasCreation")),
        origin=call.origin,
        now=call.now,
    )
    return {}


def resend_confirmation_code(call: Call) -> Answer:
    pool, client = client_of(call)
    check_secret_hash(call, client, call.text("Username"))
    sent = call.identity.sign_up.resend(pool, client, call.text("Username"), origin=call.origin, now=call.now)
    return {"CodeDeliveryDetails": delivery(sent)}


ACTIONS = (
    Action(
        name="SignUp",
        audience="public",
        input=Structure(
            members={
                **members.NAMED,
                "Password": members.PASSWORD,
                "UserAttributes": members.ATTRIBUTES,
                "ValidationData": members.ATTRIBUTES,
            },
            needs=("ClientId", "Username", "Password"),
        ),
        run=sign_up,
        lane="passwords",
    ),
    Action(
        name="ConfirmSignUp",
        audience="public",
        input=Structure(
            members={
                **members.NAMED,
                "ConfirmationCode": members.CODE,
                "ForceAliasCreation": Flag(),
                "Session": members.SESSION,
            },
            needs=("ClientId", "Username", "ConfirmationCode"),
        ),
        run=confirm_sign_up,
    ),
    Action(
        name="ResendConfirmationCode",
        audience="public",
        input=Structure(members=members.NAMED, needs=("ClientId", "Username")),
        run=resend_confirmation_code,
    ),
)
