"""What operators do with one person: make, show, change, stop and delete them."""

from auth.cognito import members
from auth.cognito.action import Action, Answer, Call
from auth.cognito.actions.account import mfa_settings
from auth.cognito.caller import pool_of
from auth.cognito.shapes import Flag, Listing, Structure, Text
from auth.cognito.wire import attributes_of, user_type
from auth.errors import InvalidParameter
from auth.flows.administration import Administration

NAMED = {"UserPoolId": members.POOL_ID, "Username": members.USERNAME}
NEEDS = ("UserPoolId", "Username")


def administration_of(call: Call) -> Administration:
    """On record as done by whoever has signed the call."""
    return call.identity.administration.by(call.actor, call.origin)


def admin_create_user(call: Call) -> Answer:
    pool = pool_of(call)
    administration = administration_of(call)
    username, password = call.text("Username"), call.input.get("TemporaryPassword") or None
    wants, action = call.input.get("DesiredDeliveryMediums") or (), call.text("MessageAction")
    if action != "SUPPRESS" and wants and "EMAIL" not in wants:
        raise InvalidParameter("This server sends no text messages: ask for EMAIL, or for SUPPRESS.")
    if action == "RESEND":
        again = administration.invite_again(
            pool, username, password=password, now=call.now, metadata=call.origin.client_metadata
        )
        return {"User": user_type(again.user)}
    created = administration.create_user(
        pool,
        username,
        attributes_of(call.input.get("UserAttributes")),
        now=call.now,
        password=password,
        invites=action != "SUPPRESS",
        must_reach=action != "SUPPRESS" and "EMAIL" in wants,
        takes_over=bool(call.input.get("ForceAliasCreation")),
        validation=attributes_of(call.input.get("ValidationData")),
        metadata=call.origin.client_metadata,
    )
    return {"User": user_type(created.user)}


def admin_get_user(call: Call) -> Answer:
    user = call.identity.administration.show(pool_of(call), call.text("Username"))
    shown = user_type(user)
    attributes = shown.pop("Attributes")
    return {**shown, "UserAttributes": attributes, **mfa_settings(user)}


def admin_update_user_attributes(call: Call) -> Answer:
    changes: dict[str, str | None] = dict(attributes_of(call.input["UserAttributes"]))
    administration_of(call).update_attributes(
        pool_of(call), call.text("Username"), changes, now=call.now, metadata=call.origin.client_metadata
    )
    return {}


def admin_delete_user_attributes(call: Call) -> Answer:
    changes: dict[str, str | None] = dict.fromkeys(call.input["UserAttributeNames"])
    administration_of(call).update_attributes(pool_of(call), call.text("Username"), changes, now=call.now)
    return {}


def admin_enable_user(call: Call) -> Answer:
    administration_of(call).enable(pool_of(call), call.text("Username"), now=call.now)
    return {}


def admin_disable_user(call: Call) -> Answer:
    administration_of(call).disable(pool_of(call), call.text("Username"), now=call.now)
    return {}


def admin_delete_user(call: Call) -> None:
    administration_of(call).delete(pool_of(call), call.text("Username"), now=call.now)


ACTIONS = (
    Action(
        name="AdminCreateUser",
        audience="admin",
        input=Structure(
            members={
                **NAMED,
                "UserAttributes": members.ATTRIBUTES,
                "ValidationData": members.ATTRIBUTES,
                "TemporaryPassword": members.PASSWORD,
                "ForceAliasCreation": Flag(),
                "MessageAction": Text(values=("RESEND", "SUPPRESS")),
                "DesiredDeliveryMediums": Listing(of=Text(values=("SMS", "EMAIL"))),
                "ClientMetadata": members.METADATA,
            },
            needs=NEEDS,
        ),
        run=admin_create_user,
        lane="passwords",
    ),
    Action(
        name="AdminGetUser",
        audience="admin",
        input=Structure(members=NAMED, needs=NEEDS),
        run=admin_get_user,
    ),
    Action(
        name="AdminUpdateUserAttributes",
        audience="admin",
        input=Structure(
            members={**NAMED, "UserAttributes": members.ATTRIBUTES, "ClientMetadata": members.METADATA},
            needs=(*NEEDS, "UserAttributes"),
        ),
        run=admin_update_user_attributes,
    ),
    Action(
        name="AdminDeleteUserAttributes",
        audience="admin",
        input=Structure(
            members={**NAMED, "UserAttributeNames": members.ATTRIBUTE_NAMES},
            needs=(*NEEDS, "UserAttributeNames"),
        ),
        run=admin_delete_user_attributes,
    ),
    Action(
        name="AdminEnableUser",
        audience="admin",
        input=Structure(members=NAMED, needs=NEEDS),
        run=admin_enable_user,
    ),
    Action(
        name="AdminDisableUser",
        audience="admin",
        input=Structure(members=NAMED, needs=NEEDS),
        run=admin_disable_user,
    ),
    Action(
        name="AdminDeleteUser",
        audience="admin",
        input=Structure(members=NAMED, needs=NEEDS),
        run=admin_delete_user,
    ),
)
