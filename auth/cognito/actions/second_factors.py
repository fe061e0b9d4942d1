"""Second factors of people who are signed in, or half-way at MFA_SETUP: authenticator apps, and which is asked for."""

from auth.client import Client
from auth.cognito import members
from auth.cognito.action import Action, Answer, Call
from auth.cognito.actions.account import mfa_settings
from auth.cognito.caller import signed_in
from auth.cognito.shapes import Listing, Structure, Text
from auth.errors import InvalidParameter, InvalidSession, ResourceNotFound
from auth.flows.mfa_choice import Switch
from auth.pool import Pool
from auth.user import MfaMethod

_METHODS: dict[str, MfaMethod] = {
    "SoftwareTokenMfaSettings": "SOFTWARE_TOKEN_MFA",
    "EmailMfaSettings": "EMAIL_OTP",
}
_NO_SMS = "This server sends no text messages."
_EITHER = {"AccessToken": members.ACCESS_TOKEN, "Session": members.SESSION}


def associate_software_token(call: Call) -> Answer:
    if not _is_half_way(call):
        caller = signed_in(call)
        secret = call.identity.second_factor.associate(caller.pool, caller.user.sub, now=call.now)
        return {"SecretCode": secret}
    pool, client = _owner_of_session(call)
    secret, challenge = call.identity.sign_in.associate(pool, client, call.text("Session"), now=call.now)
    return {"SecretCode": secret, "Session": challenge.handle}


def verify_software_token(call: Call) -> Answer:
    code, name = call.text("UserCode"), call.text("FriendlyDeviceName")
    if not _is_half_way(call):
        caller = signed_in(call)
        call.identity.second_factor.verify(
            caller.pool, caller.user.sub, code, name, now=call.now, origin=call.origin
        )
        return {"Status": "SUCCESS"}
    pool, client = _owner_of_session(call)
    challenge = call.identity.sign_in.verify_association(
        pool, client, call.text("Session"), code, name, origin=call.origin, now=call.now
    )
    return {"Status": "SUCCESS", "Session": challenge.handle}


def set_user_mfa_preference(call: Call) -> Answer:
    caller = signed_in(call)
    call.identity.second_factor.choose(
        caller.pool, caller.user.sub, mfa_wishes(call), now=call.now, origin=call.origin
    )
    return {}


def set_user_settings(call: Call) -> Answer:
    """An action of old that only knows text messages: to want none is all that can be wanted here."""
    signed_in(call)
    if call.input["MFAOptions"]:
        raise InvalidParameter(_NO_SMS)
    return {}


def get_user_auth_factors(call: Call) -> Answer:
    caller = signed_in(call)
    factors = [
        factor
        for factor in caller.pool.first_factors
        if factor != "EMAIL_OTP" or caller.user.is_verified("email")
    ]
    return {
        "Username": caller.user.username,
        "ConfiguredUserAuthFactors": factors,
        **mfa_settings(caller.user),
    }


def mfa_wishes(call: Call) -> dict[MfaMethod, Switch]:
    """:raises InvalidParameter: something is to be switched on that is not there."""
    for name in ("SMSMfaSettings", "WebAuthnMfaSettings"):
        if (call.input.get(name) or {}).get("Enabled"):
            raise InvalidParameter(_NO_SMS if name == "SMSMfaSettings" else "Passkeys are not there.")
    return {
        method: Switch(
            is_on=bool(call.input[name].get("Enabled")),
            is_preferred=bool(call.input[name].get("PreferredMfa")),
        )
        for name, method in _METHODS.items()
        if call.input.get(name) is not None
    }


def _is_half_way(call: Call) -> bool:
    """:raises InvalidParameter: neither, or both."""
    has_token, has_session = bool(call.text("AccessToken")), bool(call.text("Session"))
    if has_token == has_session:
        raise InvalidParameter("Send either AccessToken or Session.")
    return has_session


def _owner_of_session(call: Call) -> tuple[Pool, Client]:
    """The client that was given it: these two actions do not name one. :raises InvalidSession: nobody."""
    identity = call.identity
    client_id = identity.store.challenges.client_of(call.text("Session"), call.now)
    if client_id is None:
        raise InvalidSession
    try:
        client = identity.directory.client(client_id)
        return identity.directory.pool(client.pool_id), client
    except ResourceNotFound as error:
        raise InvalidSession from error


ACTIONS = (
    Action(
        name="AssociateSoftwareToken",
        audience="public",
        input=Structure(members=_EITHER),
        run=associate_software_token,
    ),
    Action(
        name="VerifySoftwareToken",
        audience="public",
        input=Structure(
            members={**_EITHER, "UserCode": members.TOTP_CODE, "FriendlyDeviceName": Text(max=256)},
            needs=("UserCode",),
        ),
        run=verify_software_token,
    ),
    Action(
        name="SetUserMFAPreference",
        audience="public",
        input=Structure(
            members={"AccessToken": members.ACCESS_TOKEN, **members.MFA_SETTINGS}, needs=("AccessToken",)
        ),
        run=set_user_mfa_preference,
    ),
    Action(
        name="SetUserSettings",
        audience="public",
        input=Structure(
            members={
                "AccessToken": members.ACCESS_TOKEN,
                "MFAOptions": Listing(
                    of=Structure(
                        members={
                            "DeliveryMedium": Text(values=("SMS", "EMAIL")),
                            "AttributeName": members.ATTRIBUTE_NAME,
                        }
                    )
                ),
            },
            needs=("AccessToken", "MFAOptions"),
        ),
        run=set_user_settings,
    ),
    Action(
        name="GetUserAuthFactors",
        audience="public",
        input=Structure(members={"AccessToken": members.ACCESS_TOKEN}, needs=("AccessToken",)),
        run=get_user_auth_factors,
    ),
)
