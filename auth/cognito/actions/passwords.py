"""Passwords of people who have one already: ForgotPassword, ConfirmForgotPassword, ChangePassword."""

from auth.cognito import members
from auth.cognito.action import Action, Answer, Call
from auth.cognito.caller import check_secret_hash, client_of, signed_in
from auth.cognito.shapes import Structure
from auth.cognito.wire import delivery


def forgot_password(call: Call) -> Answer:
    pool, client = client_of(call)
    check_secret_hash(call, client, call.text("Username"))
    sent = call.identity.recovery.forgot(
        pool, client, call.text("Username"), origin=call.origin, now=call.now
    )
    return {"CodeDeliveryDetails": delivery(sent)}


def confirm_forgot_password(call: Call) -> Answer:
    pool, client = client_of(call)
    check_secret_hash(call, client, call.text("Username"))
    call.identity.recovery.reset(
        pool,
        client,
        call.text("Username"),
        call.text("ConfirmationCode"),
        call.text("Password"),
        origin=call.origin,
        now=call.now,
    )
    return {}


def change_password(call: Call) -> Answer:
    caller = signed_in(call)
    call.identity.account.change_password(
        caller.pool,
        caller.user.sub,
        call.text("PreviousPassword"),
        call.text("ProposedPassword"),
        grant_id=caller.grant_id,
        origin=call.origin,
        now=call.now,
    )
    return {}


ACTIONS = (
    Action(
        name="ForgotPassword",
        audience="public",
        input=Structure(members=members.NAMED, needs=("ClientId", "Username")),
        run=forgot_password,
    ),
    Action(
        name="ConfirmForgotPassword",
        audience="public",
        input=Structure(
            members={**members.NAMED, "ConfirmationCode": members.CODE, "Password": members.PASSWORD},
            needs=("ClientId", "Username", "ConfirmationCode", "Password"),
        ),
        run=confirm_forgot_password,
        lane="passwords",
    ),
    Action(
        name="ChangePassword",
        audience="public",
        input=Structure(
            members={
                "PreviousPassword": members.OLD_PASSWORD,
                "ProposedPassword": members.PASSWORD,
                "AccessToken": members.ACCESS_TOKEN,
            },
            needs=("ProposedPassword", "AccessToken"),
        ),
        run=change_password,
        lane="passwords",
    ),
)
