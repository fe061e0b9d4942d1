"""What operators do with how one person signs in: passwords, confirmation, second factors, sessions."""

from auth.cognito import members
from auth.cognito.action import Action, Answer, Call
from auth.cognito.actions.admin_users import NAMED, NEEDS, administration_of
from auth.cognito.actions.second_factors import mfa_wishes
from auth.cognito.caller import pool_of
from auth.cognito.shapes import Flag, Structure


def admin_set_user_password(call: Call) -> Answer:
    administration_of(call).set_password(
        pool_of(call),
        call.text("Username"),
        call.text("Password"),
        is_permanent=bool(call.input.get("Permanent")),
        now=call.now,
    )
    return {}


def admin_reset_user_password(call: Call) -> Answer:
    administration_of(call).reset_password(
        pool_of(call), call.text("Username"), now=call.now, metadata=call.origin.client_metadata
    )
    return {}


def admin_confirm_sign_up(call: Call) -> Answer:
    administration_of(call).confirm(
        pool_of(call), call.text("Username"), now=call.now, metadata=call.origin.client_metadata
    )
    return {}


def admin_user_global_sign_out(call: Call) -> Answer:
    administration_of(call).sign_out(pool_of(call), call.text("Username"), now=call.now)
    return {}


def admin_set_user_mfa_preference(call: Call) -> Answer:
    administration_of(call).choose_mfa(pool_of(call), call.text("Username"), mfa_wishes(call), now=call.now)
    return {}


ACTIONS = (
    Action(
        name="AdminSetUserPassword",
        audience="admin",
        input=Structure(
            members={**NAMED, "Password": members.PASSWORD, "Permanent": Flag()},
            needs=(*NEEDS, "Password"),
        ),
        run=admin_set_user_password,
        lane="passwords",
    ),
    Action(
        name="AdminResetUserPassword",
        audience="admin",
        input=Structure(members={**NAMED, "ClientMetadata": members.METADATA}, needs=NEEDS),
        run=admin_reset_user_password,
    ),
    Action(
        name="AdminConfirmSignUp",
        audience="admin",
        input=Structure(members={**NAMED, "ClientMetadata": members.METADATA}, needs=NEEDS),
        run=admin_confirm_sign_up,
    ),
    Action(
        name="AdminUserGlobalSignOut",
        audience="admin",
        input=Structure(members=NAMED, needs=NEEDS),
        run=admin_user_global_sign_out,
    ),
    Action(
        name="AdminSetUserMFAPreference",
        audience="admin",
        input=Structure(members={**NAMED, **members.MFA_SETTINGS}, needs=NEEDS),
        run=admin_set_user_mfa_preference,
    ),
)
