"""Settings of pools and clients that this server does not have. They are refused by name, never kept and ignored;
a value that says what happens here anyway is taken. docs/cognito-api-settings.md lists the same, and a test compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from auth.errors import UnsupportedOperation

# What AWS, its consoles, the CDK and Amplify send where nobody has chosen a text.
_USUAL_TEXTS: Final = (
    "Your verification code is {####}",
    "Your verification code is {####}.",
    "Your verification code is {####}. ",
    "The verification code to your new account is {####}",
    "Your authentication code is {####}",
    "Your authentication code is {####}.",
    "Your authentication code is {####}. ",
)
_USUAL_SUBJECTS: Final = ("Your verification code", "Verify your new account")
_OWN_TEXTS: Final = "Mails have this server's texts; a CustomMessage trigger writes others."
_NO_SMS: Final = "This server sends no text messages."
_NO_DEVICES: Final = "Devices are not remembered."
_ITS_MAIL: Final = "Mail is sent as server.smtp or server.mail of routes.yaml say."
_ITS_INVITATION: Final = "Invitations have this server's text; a CustomMessage trigger writes another."


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """:param path: members with dots between them. :param takes: values that are what happens here anyway."""

    path: str
    instead: str = ""
    takes: tuple[Any, ...] = ()


def _one(path: str, instead: str = "", *takes: Any) -> Setting:
    return Setting(path=path, instead=instead, takes=takes)


POOL_SETTINGS: Final = (
    _one("SmsVerificationMessage", _NO_SMS, *_USUAL_TEXTS),
    _one("SmsAuthenticationMessage", _NO_SMS, *_USUAL_TEXTS),
    _one("SmsConfiguration", _NO_SMS),
    _one("EmailVerificationMessage", _OWN_TEXTS, *_USUAL_TEXTS),
    _one("EmailVerificationSubject", _OWN_TEXTS, *_USUAL_SUBJECTS),
    _one("VerificationMessageTemplate.SmsMessage", _NO_SMS, *_USUAL_TEXTS),
    _one("VerificationMessageTemplate.EmailMessage", _OWN_TEXTS, *_USUAL_TEXTS),
    _one("VerificationMessageTemplate.EmailSubject", _OWN_TEXTS, *_USUAL_SUBJECTS),
    _one("VerificationMessageTemplate.EmailMessageByLink", "Mails hold codes, never links."),
    _one("VerificationMessageTemplate.EmailSubjectByLink", "Mails hold codes, never links."),
    _one(
        "VerificationMessageTemplate.DefaultEmailOption",
        "Mails hold codes, never links.",
        "CONFIRM_WITH_CODE",
    ),
    _one(
        "UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate",
        "A new address replaces the old one at once and is worth nothing until its code came back.",
    ),
    _one("DeviceConfiguration", _NO_DEVICES),
    _one("EmailConfiguration.SourceArn", _ITS_MAIL),
    _one("EmailConfiguration.ReplyToEmailAddress", _ITS_MAIL),
    _one("EmailConfiguration.EmailSendingAccount", _ITS_MAIL, "COGNITO_DEFAULT"),
    _one("EmailConfiguration.From", _ITS_MAIL),
    _one("EmailConfiguration.ConfigurationSet", _ITS_MAIL),
    _one("AdminCreateUserConfig.InviteMessageTemplate.SMSMessage", _NO_SMS),
    _one("AdminCreateUserConfig.InviteMessageTemplate.EmailMessage", _ITS_INVITATION),
    _one("AdminCreateUserConfig.InviteMessageTemplate.EmailSubject", _ITS_INVITATION),
    _one("UserPoolAddOns.AdvancedSecurityMode", "There is no threat protection by risk.", "OFF"),
    _one(
        "UserPoolAddOns.AdvancedSecurityAdditionalFlows.CustomAuthMode",
        "There is no threat protection by risk.",
    ),
    _one("UserPoolTier", "There are no tiers: everything that is built is there.", "ESSENTIALS"),
    _one("LambdaConfig.CustomSMSSender", _NO_SMS),
    _one("LambdaConfig.CustomEmailSender", "server.mail of routes.yaml names a function that sends mails."),
    _one("LambdaConfig.KMSKeyID", "Codes are handed to no function that sends them."),
    _one("LambdaConfig.InboundFederation", "There are no other identity providers yet."),
    _one("DcrConfiguration.EnableStatus", "Clients do not register themselves.", "Disabled"),
    _one("DcrConfiguration.OpenDcrEnabled", "Clients do not register themselves.", False),
    _one("KeyConfiguration.KeyType", "Keys are sealed with the key of the state.", "AWS_OWNED_KEY"),
    _one("KeyConfiguration.KmsKeyArn", "Keys are sealed with the key of the state."),
    _one("IssuerConfiguration.Type", "The issuer is server.auth_url and the pool's id.", "ORIGINAL"),
    _one("AcrConfiguration", "Tokens have no acr."),
)
CLIENT_SETTINGS: Final = (
    _one("AnalyticsConfiguration", "Nothing is sent to Pinpoint."),
    _one("EnableTokenRevocation", "Every refresh token can be revoked.", True),
    _one("EnablePropagateAdditionalUserContextData", "There is no threat protection by risk.", False),
    _one("DefaultRedirectURI", "A request for authorization names its redirect_uri."),
    _one("ClientType", "Clients do not register themselves.", "REGULAR"),
)
MFA_SETTINGS: Final = (
    _one("SmsMfaConfiguration.SmsAuthenticationMessage", _NO_SMS, *_USUAL_TEXTS),
    _one("SmsMfaConfiguration.SmsConfiguration", _NO_SMS),
    _one("EmailMfaConfiguration.Message", _OWN_TEXTS, *_USUAL_TEXTS),
    _one("EmailMfaConfiguration.Subject", _OWN_TEXTS, *_USUAL_SUBJECTS),
    _one("WebAuthnConfiguration", "There are no passkeys yet."),
)
DOMAIN_SETTINGS: Final = (
    _one("CustomDomainConfig", "server.auth_url of routes.yaml is the host of all pools."),
    _one("ManagedLoginVersion", "There is one kind of login pages.", 1),
    _one("Routing", "There are no replicas."),
)
SECTIONS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "Pools": POOL_SETTINGS,
    "Second factors": MFA_SETTINGS,
    "Clients": CLIENT_SETTINGS,
    "Domains": DOMAIN_SETTINGS,
}


def refuse_unsupported(given: Mapping[str, Any], settings: tuple[Setting, ...]) -> None:
    """:raises UnsupportedOperation: the first that is set to what does not happen here."""
    for setting in settings:
        value = _value(given, setting.path)
        if value not in (None, {}, []) and value not in setting.takes:
            raise unsupported(setting.path, setting.instead)


def unsupported(path: str, instead: str) -> UnsupportedOperation:
    return UnsupportedOperation(f"{path} is not supported here. {instead}".rstrip())


def _value(given: Mapping[str, Any], path: str) -> Any:
    value: Any = given
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
