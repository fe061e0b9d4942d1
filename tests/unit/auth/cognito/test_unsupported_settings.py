"""Settings that this server does not have: refused by name, unless they say what happens anyway; and documented."""

from pathlib import Path
from typing import Any

import pytest

from auth.cognito.unsupported import (
    CLIENT_SETTINGS,
    DOMAIN_SETTINGS,
    MFA_SETTINGS,
    POOL_SETTINGS,
    SECTIONS,
    Setting,
    refuse_unsupported,
)
from auth.errors import UnsupportedOperation
from tests.support.cognito_stand import refusal
from tests.support.management import api as api
from tests.support.management import made_client, made_pool
from tests.support.management import pool_id as pool_id
from tests.support.management import stand as stand

DOCS = Path(__file__).parents[4] / "docs/cognito-api-settings.md"
ALL = [setting for settings in SECTIONS.values() for setting in settings]


def given(setting: Setting, value: Any) -> dict[str, Any]:
    """An input in which just that is set."""
    for name in reversed(setting.path.split(".")):
        value = {name: value}
    return dict(value)


@pytest.mark.parametrize("setting", [pytest.param(each, id=each.path) for each in ALL])
def test_one_is_refused_by_name_and_what_happens_anyway_is_taken(setting: Setting) -> None:
    with pytest.raises(UnsupportedOperation, match=setting.path.replace(".", r"\.")):
        refuse_unsupported(given(setting, "something else"), (setting,))
    for value in (*setting.takes, None, {}):
        refuse_unsupported(given(setting, value), (setting,))


@pytest.mark.parametrize("setting", [pytest.param(each, id=each.path) for each in ALL])
def test_each_is_in_the_docs(setting: Setting) -> None:
    (row,) = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{setting.path}` |")]

    assert setting.instead in row
    for value in setting.takes:
        shown = value if isinstance(value, str) else str(value).lower()
        assert f"`{shown}`" in row


ARN = "arn:aws:iam::000000000000:role/sender"
POOLS = [
    pytest.param({"SmsConfiguration": {"SnsCallerArn": ARN}}, "SmsConfiguration", id="sms"),
    pytest.param(
        {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}}, "DeviceConfiguration", id="devices"
    ),
    pytest.param({"UserPoolTier": "PLUS"}, "UserPoolTier", id="tier"),
    pytest.param({"AliasAttributes": ["preferred_username"]}, "preferred_username", id="alias"),
    pytest.param({"AutoVerifiedAttributes": ["phone_number"]}, "phone_number", id="verified-phone"),
    pytest.param(
        {"Policies": {"PasswordPolicy": {"PasswordHistorySize": 3}}}, "PasswordHistorySize", id="history"
    ),
    pytest.param(
        {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}}},
        "WEB_AUTHN",
        id="passkeys",
    ),
    pytest.param(
        {"Schema": [{"Name": "x", "AttributeDataType": "String", "DeveloperOnlyAttribute": True}]},
        "DeveloperOnlyAttribute",
        id="developers",
    ),
    pytest.param(
        {
            "AccountRecoverySetting": {
                "RecoveryMechanisms": [{"Priority": 1, "Name": "verified_phone_number"}]
            }
        },
        "verified_phone_number",
        id="recovery-by-phone",
    ),
]


@pytest.mark.parametrize(("settings", "name"), POOLS)
def test_a_pool_is_not_made_with_one(api: Any, settings: dict[str, Any], name: str) -> None:
    code, message = refusal(api.create_user_pool, PoolName="never", **settings)

    assert code == "UnsupportedOperation"
    assert name in message
    assert "never" not in [pool["Name"] for pool in api.list_user_pools(MaxResults=60)["UserPools"]]


def test_clients_second_factors_and_domains_are_not_made_with_one(api: Any, pool_id: str) -> None:
    named = {"UserPoolId": pool_id}
    cases = [
        (api.create_user_pool_client, {**named, "ClientName": "c", "EnableTokenRevocation": False}),
        (api.create_user_pool_client, {**named, "ClientName": "c", "DefaultRedirectURI": "https://a/"}),
        (api.set_user_pool_mfa_config, {**named, "WebAuthnConfiguration": {"RelyingPartyId": "a"}}),
        (api.create_user_pool_domain, {**named, "Domain": "a", "ManagedLoginVersion": 2}),
        (
            api.create_user_pool_domain,
            {**named, "Domain": "a", "CustomDomainConfig": {"CertificateArn": ARN}},
        ),
    ]
    for act, given in cases:
        assert refusal(act, **given)[0] == "UnsupportedOperation"
    made_client(api, pool_id, EnableTokenRevocation=True)
    api.create_user_pool_domain(**named, Domain="a", ManagedLoginVersion=1)


def test_what_tools_send_unasked_is_taken(api: Any) -> None:
    code = "The verification code to your new account is {####}"
    made = made_pool(
        api,
        EmailVerificationMessage=code,
        EmailVerificationSubject="Verify your new account",
        SmsVerificationMessage=code,
        VerificationMessageTemplate={
            "DefaultEmailOption": "CONFIRM_WITH_CODE",
            "EmailMessage": code,
            "EmailSubject": "Verify your new account",
            "SmsMessage": code,
        },
        EmailConfiguration={"EmailSendingAccount": "COGNITO_DEFAULT"},
        UserPoolAddOns={"AdvancedSecurityMode": "OFF"},
        AccountRecoverySetting={
            "RecoveryMechanisms": [
                {"Name": "verified_phone_number", "Priority": 1},
                {"Name": "verified_email", "Priority": 2},
            ]
        },
    )

    assert made["VerificationMessageTemplate"] == {"DefaultEmailOption": "CONFIRM_WITH_CODE"}
    assert [each["Name"] for each in made["AccountRecoverySetting"]["RecoveryMechanisms"]] == [
        "verified_phone_number",
        "verified_email",
    ]


def test_no_setting_stands_in_two_lists() -> None:
    for settings in (POOL_SETTINGS, CLIENT_SETTINGS, MFA_SETTINGS, DOMAIN_SETTINGS):
        paths = [setting.path for setting in settings]
        assert len(paths) == len(set(paths))
