"""Second factors of a pool: SetUserPoolMfaConfig and GetUserPoolMfaConfig."""

from auth.cognito.action import Action, Answer, Call
from auth.cognito.pool_answers import mfa_answer
from auth.cognito.pool_settings import MFA_MODES
from auth.cognito.pool_shapes import ANY, MFA, POOL_ID, SMS, one_of, struct
from auth.cognito.shapes import Flag, Text
from auth.cognito.unsupported import MFA_SETTINGS, refuse_unsupported
from auth.pool import MfaKind, Pool


def set_config(call: Call) -> Answer:
    given = call.input
    refuse_unsupported(given, MFA_SETTINGS)
    pools = call.identity.management.pools
    seen = pools.get(call.text("UserPoolId"), call.now)
    mode = given.get("MfaConfiguration")
    kinds = _kinds(call, seen)
    after = pools.set_mfa(seen.pool_id, seen.mfa if mode is None else MFA_MODES[mode], kinds, call.now)
    return mfa_answer(after)


def get_config(call: Call) -> Answer:
    return mfa_answer(call.identity.management.pools.get(call.text("UserPoolId"), call.now))


def _kinds(call: Call, seen: Pool) -> frozenset[MfaKind]:
    """What is not spoken of stays."""
    kinds = set(seen.mfa_kinds)
    software = call.input.get("SoftwareTokenMfaConfiguration")
    if software is not None:
        (kinds.add if software.get("Enabled") else kinds.discard)("software_token")
    if call.input.get("EmailMfaConfiguration") is not None:
        kinds.add("email")
    return frozenset(kinds)


ACTIONS = (
    Action(
        name="SetUserPoolMfaConfig",
        audience="admin",
        input=struct(
            "UserPoolId",
            UserPoolId=POOL_ID,
            SmsMfaConfiguration=struct(SmsAuthenticationMessage=Text(min=6, max=140), SmsConfiguration=SMS),
            SoftwareTokenMfaConfiguration=struct(Enabled=Flag()),
            EmailMfaConfiguration=struct(Message=Text(min=6, max=20_000), Subject=Text(min=1, max=140)),
            MfaConfiguration=MFA,
            WebAuthnConfiguration=struct(
                RelyingPartyId=ANY,
                UserVerification=one_of("required", "preferred"),
                FactorConfiguration=one_of("SINGLE_FACTOR", "MULTI_FACTOR_WITH_USER_VERIFICATION"),
            ),
        ),
        run=set_config,
    ),
    Action(
        name="GetUserPoolMfaConfig",
        audience="admin",
        input=struct("UserPoolId", UserPoolId=POOL_ID),
        run=get_config,
    ),
)
