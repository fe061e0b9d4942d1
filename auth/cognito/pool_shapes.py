"""The shapes of pools, clients, resource servers and domains: constraints of the service model."""

import re
import unicodedata
from typing import Final

from auth.cognito.shapes import Dictionary, Flag, Listing, Shape, Structure, Text, Whole


def plain(pattern: str, *, min: int = 1, max: int = 128, shows: bool = True) -> Text:
    """A text whose ``\\w`` means ASCII, as in Java's patterns."""
    compiled = re.compile(pattern, re.ASCII)
    return Text(
        min=min, max=max, pattern=pattern, shows=shows, matches=lambda text: bool(compiled.fullmatch(text))
    )


def _unicode(kinds: str, pattern: str, *, max: int, blanks: str = "") -> Text:
    """:param kinds: first letters of the categories that may occur. :param blanks: and these."""

    def matches(text: str) -> bool:
        return all(letter in blanks or unicodedata.category(letter)[0] in kinds for letter in text)

    return Text(min=1, max=max, pattern=pattern, matches=matches)


def struct(*needs: str, **members: Shape) -> Structure:
    return Structure(members=members, needs=needs)


def one_of(*values: str) -> Text:
    return Text(values=values)


ANY: Final = Text()
POOL_ID: Final = plain(r"[\w-]+_[0-9a-zA-Z]+", max=55)
CLIENT_ID: Final = plain(r"[\w+]+")
NAME: Final = plain(r"[\w\s+=,.@-]+")
NEXT: Final = Text(min=1, pattern=r"[\S]+")
_ARN: Final = (
    r"arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?"
)
ARN: Final = plain(_ARN, min=20, max=2048)
ADDRESS: Final = one_of("phone_number", "email")
TAGS: Final = Dictionary(key=Text(min=1, max=128), value=Text(max=256))
DOMAIN: Final = plain(r"^[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?$", max=63)
CLIENT_SECRET: Final = plain(r"[\w+]+", min=24, max=64, shows=False)
MFA: Final = one_of("OFF", "ON", "OPTIONAL")
_LISTED: Final = r"[\x21\x23-\x5B\x5D-\x7E]+"
IDENTIFIER: Final = plain(_LISTED, max=256)
_LINE: Final = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+"
_URL: Final = _unicode("LMSNP", _LINE, max=1024)

POLICIES: Final = struct(
    PasswordPolicy=struct(
        MinimumLength=Whole(min=6, max=99),
        RequireUppercase=Flag(),
        RequireLowercase=Flag(),
        RequireNumbers=Flag(),
        RequireSymbols=Flag(),
        PasswordHistorySize=Whole(min=0, max=24),
        TemporaryPasswordValidityDays=Whole(min=0, max=365),
    ),
    SignInPolicy=struct(
        AllowedFirstAuthFactors=Listing(
            of=one_of("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN", "SOFTWARE_TOKEN"), min=1, max=5
        )
    ),
)
_SENDER: Final = struct("LambdaVersion", "LambdaArn", LambdaVersion=one_of("V1_0"), LambdaArn=ARN)
TRIGGERS: Final = (
    "PreSignUp",
    "CustomMessage",
    "PostConfirmation",
    "PreAuthentication",
    "PostAuthentication",
    "DefineAuthChallenge",
    "CreateAuthChallenge",
    "VerifyAuthChallengeResponse",
    "PreTokenGeneration",
    "UserMigration",
)
LAMBDAS: Final = struct(
    **dict.fromkeys(TRIGGERS, ARN),
    PreTokenGenerationConfig=struct(
        "LambdaVersion", "LambdaArn", LambdaVersion=one_of("V1_0", "V2_0", "V3_0"), LambdaArn=ARN
    ),
    CustomSMSSender=_SENDER,
    CustomEmailSender=_SENDER,
    KMSKeyID=ARN,
    InboundFederation=_SENDER,
)
ATTRIBUTE: Final = struct(
    Name=_unicode("LMSNP", _LINE, max=20),
    AttributeDataType=one_of("String", "Number", "DateTime", "Boolean"),
    DeveloperOnlyAttribute=Flag(),
    Mutable=Flag(),
    Required=Flag(),
    NumberAttributeConstraints=struct(MinValue=ANY, MaxValue=ANY),
    StringAttributeConstraints=struct(MinLength=ANY, MaxLength=ANY),
)
_TEXT: Final = Text(min=6, max=20_000)
_SUBJECT: Final = _unicode("LMSNP", r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s]+", max=140, blanks=" \t\r\n\f\v")
_MAIL_SENDER: Final = struct(
    SourceArn=ARN,
    ReplyToEmailAddress=ANY,
    EmailSendingAccount=one_of("COGNITO_DEFAULT", "DEVELOPER"),
    From=ANY,
    ConfigurationSet=plain(r"^[a-zA-Z0-9_-]+$", max=64),
)
SMS: Final = struct(SnsCallerArn=Text(max=2048), ExternalId=ANY, SnsRegion=Text(min=5, max=32))
CHANGEABLE: Final[dict[str, Shape]] = {
    "Policies": POLICIES,
    "DeletionProtection": one_of("ACTIVE", "INACTIVE"),
    "LambdaConfig": LAMBDAS,
    "AutoVerifiedAttributes": Listing(of=ADDRESS),
    "SmsVerificationMessage": Text(min=6, max=140),
    "EmailVerificationMessage": _TEXT,
    "EmailVerificationSubject": _SUBJECT,
    "VerificationMessageTemplate": struct(
        SmsMessage=Text(min=6, max=140),
        EmailMessage=_TEXT,
        EmailSubject=_SUBJECT,
        EmailMessageByLink=_TEXT,
        EmailSubjectByLink=_SUBJECT,
        DefaultEmailOption=one_of("CONFIRM_WITH_LINK", "CONFIRM_WITH_CODE"),
    ),
    "SmsAuthenticationMessage": Text(min=6, max=140),
    "MfaConfiguration": MFA,
    "UserAttributeUpdateSettings": struct(AttributesRequireVerificationBeforeUpdate=Listing(of=ADDRESS)),
    "DeviceConfiguration": struct(
        ChallengeRequiredOnNewDevice=Flag(), DeviceOnlyRememberedOnUserPrompt=Flag()
    ),
    "EmailConfiguration": _MAIL_SENDER,
    "SmsConfiguration": SMS,
    "UserPoolTags": TAGS,
    "AdminCreateUserConfig": struct(
        AllowAdminCreateUserOnly=Flag(),
        UnusedAccountValidityDays=Whole(min=0, max=365),
        InviteMessageTemplate=struct(
            SMSMessage=Text(min=6, max=140), EmailMessage=_TEXT, EmailSubject=_SUBJECT
        ),
    ),
    "UserPoolAddOns": struct(
        "AdvancedSecurityMode",
        AdvancedSecurityMode=one_of("OFF", "AUDIT", "ENFORCED"),
        AdvancedSecurityAdditionalFlows=struct(CustomAuthMode=one_of("AUDIT", "ENFORCED")),
    ),
    "AccountRecoverySetting": struct(
        RecoveryMechanisms=Listing(
            of=struct(
                "Priority",
                "Name",
                Priority=Whole(min=1, max=2),
                Name=one_of("verified_email", "verified_phone_number", "admin_only"),
            ),
            min=1,
            max=2,
        )
    ),
    "UserPoolTier": one_of("LITE", "ESSENTIALS", "PLUS"),
}

_UNITS: Final = one_of("seconds", "minutes", "hours", "days")
CLIENT_SETTINGS: Final[dict[str, Shape]] = {
    "RefreshTokenValidity": Whole(min=0, max=315_360_000),
    "AccessTokenValidity": Whole(min=1, max=86_400),
    "IdTokenValidity": Whole(min=1, max=86_400),
    "TokenValidityUnits": struct(AccessToken=_UNITS, IdToken=_UNITS, RefreshToken=_UNITS),
    "ReadAttributes": Listing(of=Text(min=1, max=2048)),
    "WriteAttributes": Listing(of=Text(min=1, max=2048)),
    "ExplicitAuthFlows": Listing(
        of=one_of(
            "ADMIN_NO_SRP_AUTH",
            "CUSTOM_AUTH_FLOW_ONLY",
            "USER_PASSWORD_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_CUSTOM_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
            "ALLOW_USER_AUTH",
            "ALLOW_TOKEN_EXCHANGE_DELEGATION",
            "ALLOW_TOKEN_EXCHANGE_IMPERSONATION",
        )
    ),
    "SupportedIdentityProviders": Listing(
        of=_unicode("LMSNPZ", r"[\p{L}\p{M}\p{S}\p{N}\p{P}\p{Z}]+", max=32)
    ),
    "CallbackURLs": Listing(of=_URL, max=100),
    "LogoutURLs": Listing(of=_URL, max=100),
    "DefaultRedirectURI": _URL,
    "AllowedOAuthFlows": Listing(of=one_of("code", "implicit", "client_credentials"), max=3),
    "AllowedOAuthScopes": Listing(of=IDENTIFIER, max=50),
    "AllowedOAuthFlowsUserPoolClient": Flag(),
    "AnalyticsConfiguration": struct(
        ApplicationId=ANY, ApplicationArn=ARN, RoleArn=ARN, ExternalId=ANY, UserDataShared=Flag()
    ),
    "PreventUserExistenceErrors": one_of("LEGACY", "ENABLED"),
    "EnableTokenRevocation": Flag(),
    "EnablePropagateAdditionalUserContextData": Flag(),
    "AuthSessionValidity": Whole(min=3, max=15),
    "RefreshTokenRotation": struct(
        "Feature", Feature=one_of("ENABLED", "DISABLED"), RetryGracePeriodSeconds=Whole(min=0, max=60)
    ),
}

SERVER: Final[dict[str, Shape]] = {
    "UserPoolId": POOL_ID,
    "Identifier": IDENTIFIER,
    "Name": plain(r"[\w\s+=,.@-]+", max=256),
    "Scopes": Listing(
        of=struct(
            "ScopeName",
            "ScopeDescription",
            ScopeName=plain(r"[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+", max=256),
            ScopeDescription=Text(min=1, max=256),
        ),
        max=100,
    ),
}
