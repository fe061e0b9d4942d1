"""What people who are signed in do with their account: GetUser, their attributes, DeleteUser."""

from typing import Any

from auth.client import Client
from auth.cognito import members
from auth.cognito.action import Action, Answer, Call
from auth.cognito.caller import signed_in
from auth.cognito.shapes import Structure
from auth.cognito.wire import attributes_of, delivery, user_attributes
from auth.user import User

_TOKEN = {"AccessToken": members.ACCESS_TOKEN}


def mfa_settings(user: User) -> dict[str, Any]:
    """As GetUser and AdminGetUser have them: members without a value are left out."""
    settings: dict[str, Any] = {}
    if user.mfa.enabled:
        settings["UserMFASettingList"] = sorted(user.mfa.enabled)
    if user.mfa.preferred is not None:
        settings["PreferredMfaSetting"] = user.mfa.preferred
    return settings


def get_user(call: Call) -> Answer:
    caller = signed_in(call)
    attributes = _readable(caller.client, user_attributes(caller.user))
    return {
        "Username": caller.user.username,
        "UserAttributes": attributes,
        **mfa_settings(caller.user),
    }


def update_user_attributes(call: Call) -> Answer:
    caller = signed_in(call)
    changes: dict[str, str | None] = dict(attributes_of(call.input["UserAttributes"]))
    sent = call.identity.account.update_attributes(
        caller.pool, caller.user.sub, changes, client=caller.client, origin=call.origin, now=call.now
    )
    return {"CodeDeliveryDetailsList": [delivery(one) for one in sent]}


def delete_user_attributes(call: Call) -> Answer:
    caller = signed_in(call)
    changes: dict[str, str | None] = dict.fromkeys(call.input["UserAttributeNames"])
    call.identity.account.update_attributes(
        caller.pool, caller.user.sub, changes, client=caller.client, origin=call.origin, now=call.now
    )
    return {}


def get_user_attribute_verification_code(call: Call) -> Answer:
    caller = signed_in(call)
    sent = call.identity.account.send_attribute_code(
        caller.pool,
        caller.user.sub,
        call.text("AttributeName"),
        now=call.now,
        client_id=caller.client.client_id,
        metadata=call.origin.client_metadata,
    )
    return {"CodeDeliveryDetails": delivery(sent)}


def verify_user_attribute(call: Call) -> Answer:
    caller = signed_in(call)
    call.identity.account.verify_attribute(
        caller.pool,
        caller.user.sub,
        call.text("AttributeName"),
        call.text("Code"),
        origin=call.origin,
        now=call.now,
    )
    return {}


def delete_user(call: Call) -> None:
    caller = signed_in(call)
    call.identity.account.delete(caller.pool, caller.user.sub, origin=call.origin, now=call.now)


def _readable(client: Client, attributes: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in attributes if client.may_read(one["Name"])]


ACTIONS = (
    Action(
        name="GetUser",
        audience="public",
        input=Structure(members=_TOKEN, needs=("AccessToken",)),
        run=get_user,
    ),
    Action(
        name="UpdateUserAttributes",
        audience="public",
        input=Structure(
            members={**_TOKEN, "UserAttributes": members.ATTRIBUTES, "ClientMetadata": members.METADATA},
            needs=("UserAttributes", "AccessToken"),
        ),
        run=update_user_attributes,
    ),
    Action(
        name="DeleteUserAttributes",
        audience="public",
        input=Structure(
            members={**_TOKEN, "UserAttributeNames": members.ATTRIBUTE_NAMES},
            needs=("UserAttributeNames", "AccessToken"),
        ),
        run=delete_user_attributes,
    ),
    Action(
        name="GetUserAttributeVerificationCode",
        audience="public",
        input=Structure(
            members={**_TOKEN, "AttributeName": members.ATTRIBUTE_NAME, "ClientMetadata": members.METADATA},
            needs=("AccessToken", "AttributeName"),
        ),
        run=get_user_attribute_verification_code,
    ),
    Action(
        name="VerifyUserAttribute",
        audience="public",
        input=Structure(
            members={**_TOKEN, "AttributeName": members.ATTRIBUTE_NAME, "Code": members.CODE},
            needs=("AccessToken", "AttributeName", "Code"),
        ),
        run=verify_user_attribute,
    ),
    Action(
        name="DeleteUser",
        audience="public",
        input=Structure(members=_TOKEN, needs=("AccessToken",)),
        run=delete_user,
    ),
)
