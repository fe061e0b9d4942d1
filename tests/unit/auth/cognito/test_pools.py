"""Pools by boto3: made, described, changed, deleted, listed; their attributes and second factors."""

import re
from typing import Any

import pytest

from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.management import api as api
from tests.support.management import made_pool, shown_pool
from tests.support.management import pool_id as pool_id
from tests.support.management import stand as stand

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:greet"
RICH: dict[str, Any] = {
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 12,
            "RequireUppercase": False,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": False,
            "TemporaryPasswordValidityDays": 3,
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]},
    },
    "DeletionProtection": "ACTIVE",
    "LambdaConfig": {
        "PreSignUp": FUNCTION,
        "VerifyAuthChallengeResponse": FUNCTION,
        "PreTokenGeneration": FUNCTION,
        "PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": FUNCTION},
    },
    "AutoVerifiedAttributes": ["email"],
    "MfaConfiguration": "OPTIONAL",
    "UserPoolTags": {"team": "web"},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True, "UnusedAccountValidityDays": 3},
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "admin_only"}]},
    "UserPoolTier": "ESSENTIALS",
}
FIXED: dict[str, Any] = {
    "AliasAttributes": ["email"],
    "UsernameConfiguration": {"CaseSensitive": False},
    "Schema": [
        {"Name": "email", "Required": True, "Mutable": True},
        {
            "Name": "tenant",
            "AttributeDataType": "String",
            "Mutable": False,
            "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "20"},
        },
        {"Name": "age", "AttributeDataType": "Number", "NumberAttributeConstraints": {"MinValue": "18"}},
    ],
}


def schema(pool: Any) -> dict[str, Any]:
    return {each["Name"]: each for each in pool["SchemaAttributes"]}


def test_all_settings_are_read_back(api: Any) -> None:
    made = made_pool(api, **RICH, **FIXED)
    shown = shown_pool(api, made["Id"])

    assert made == shown
    assert {name: shown[name] for name in RICH} == RICH
    assert shown["AliasAttributes"] == ["email"]
    assert shown["UsernameConfiguration"] == {"CaseSensitive": False}
    assert schema(shown)["email"]["Required"]
    assert schema(shown)["custom:tenant"] == {
        "Name": "custom:tenant",
        "AttributeDataType": "String",
        "DeveloperOnlyAttribute": False,
        "Mutable": False,
        "Required": False,
        "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "20"},
    }
    assert schema(shown)["custom:age"]["NumberAttributeConstraints"] == {"MinValue": "18"}


def test_what_is_left_out_is_at_cognitos_default(api: Any, pool_id: str) -> None:
    shown = shown_pool(api, pool_id)

    assert re.fullmatch(r"us-east-1_[0-9a-zA-Z]{9}", pool_id)
    assert shown["Arn"] == f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool_id}"
    assert shown["UsernameConfiguration"] == {"CaseSensitive": True}
    assert shown["MfaConfiguration"] == "OFF"
    assert shown["DeletionProtection"] == "INACTIVE"
    assert shown["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is False
    assert shown["Policies"]["PasswordPolicy"] == {
        "MinimumLength": 8,
        "RequireUppercase": True,
        "RequireLowercase": True,
        "RequireNumbers": True,
        "RequireSymbols": True,
        "TemporaryPasswordValidityDays": 7,
    }
    assert "AutoVerifiedAttributes" not in shown
    assert len(shown["SchemaAttributes"]) == 20
    assert schema(shown)["sub"]["Required"]
    assert not schema(shown)["sub"]["Mutable"]


def test_two_pools_may_have_one_name_also_that_of_a_declared_one(api: Any, stand: CognitoStand) -> None:
    first = made_pool(api, PoolName=stand.people.pool.name)
    second = made_pool(api, PoolName=stand.people.pool.name)

    assert first["Id"] != second["Id"]
    assert first["Name"] == second["Name"] == stand.people.pool.name


def test_an_update_replaces_settings_and_leaves_the_schema(api: Any) -> None:
    pool_id = made_pool(api, **RICH, **FIXED)["Id"]
    api.update_user_pool(UserPoolId=pool_id, PoolName="another")
    shown = shown_pool(api, pool_id)

    assert shown["Name"] == "another"
    assert shown["LambdaConfig"] == {}
    assert shown["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
    assert "AutoVerifiedAttributes" not in shown
    assert "custom:tenant" in schema(shown)
    assert shown["AliasAttributes"] == ["email"]


def test_an_update_weakens_nothing_by_what_it_does_not_say(api: Any) -> None:
    pool_id = made_pool(api, **RICH)["Id"]
    api.update_user_pool(UserPoolId=pool_id)
    shown = shown_pool(api, pool_id)

    assert shown["MfaConfiguration"] == "OPTIONAL"
    assert shown["DeletionProtection"] == "ACTIVE"
    assert shown["UserPoolTags"] == {"team": "web"}


def test_a_deleted_pool_is_gone_with_its_clients(api: Any, pool_id: str) -> None:
    client = api.create_user_pool_client(UserPoolId=pool_id, ClientName="web")["UserPoolClient"]
    api.delete_user_pool(UserPoolId=pool_id)

    gone = ("ResourceNotFound", f"User pool {pool_id} does not exist.")
    assert refusal(api.describe_user_pool, UserPoolId=pool_id) == gone
    assert refusal(api.delete_user_pool, UserPoolId=pool_id) == gone
    named = {"UserPoolId": pool_id, "ClientId": client["ClientId"]}
    assert refusal(api.describe_user_pool_client, **named) == gone


def test_a_protected_pool_is_deleted_once_protection_is_taken_back(api: Any) -> None:
    pool_id = made_pool(api, DeletionProtection="ACTIVE")["Id"]

    code, message = refusal(api.delete_user_pool, UserPoolId=pool_id)
    assert code == "InvalidParameter"
    assert "deletion protection is activated" in message
    api.update_user_pool(UserPoolId=pool_id, DeletionProtection="INACTIVE")
    api.delete_user_pool(UserPoolId=pool_id)


def test_pools_are_listed_by_pages(api: Any) -> None:
    made = {made_pool(api)["Id"] for _ in range(3)}
    found: list[str] = []
    asked: dict[str, Any] = {}
    while True:
        answer = api.list_user_pools(MaxResults=2, **asked)
        found += [pool["Id"] for pool in answer["UserPools"]]
        assert len(answer["UserPools"]) <= 2
        if "NextToken" not in answer:
            break
        asked = {"NextToken": answer["NextToken"]}

    assert made < set(found)
    assert len(found) == len(set(found))


def test_a_page_token_of_another_list_is_refused(api: Any, pool_id: str) -> None:
    made_pool(api)
    token = api.list_user_pools(MaxResults=1)["NextToken"]

    code, _ = refusal(api.list_user_pool_clients, UserPoolId=pool_id, MaxResults=1, NextToken=token)
    assert code == "InvalidParameter"


def test_custom_attributes_are_added_once(api: Any, pool_id: str) -> None:
    color = [{"Name": "color", "AttributeDataType": "String", "Mutable": True}]
    api.add_custom_attributes(UserPoolId=pool_id, CustomAttributes=color)

    assert schema(shown_pool(api, pool_id))["custom:color"]["Mutable"]
    code, message = refusal(api.add_custom_attributes, UserPoolId=pool_id, CustomAttributes=color)
    assert code == "InvalidParameter"
    assert "custom:color" in message


def test_the_fifty_first_custom_attribute_is_too_many(api: Any, pool_id: str) -> None:
    def attributes(begin: int, count: int) -> list[dict[str, str]]:
        return [{"Name": f"a{n}", "AttributeDataType": "String"} for n in range(begin, begin + count)]

    api.add_custom_attributes(UserPoolId=pool_id, CustomAttributes=attributes(0, 25))
    api.add_custom_attributes(UserPoolId=pool_id, CustomAttributes=attributes(25, 25))
    code, _ = refusal(api.add_custom_attributes, UserPoolId=pool_id, CustomAttributes=attributes(50, 1))
    assert code == "LimitExceeded"
    assert "custom:a50" not in schema(shown_pool(api, pool_id))


def test_there_are_no_more_pools_than_may_be(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth.flows.managed_pools.MAX_POOLS", 1)

    assert refusal(api.create_user_pool, PoolName="one more")[0] == "LimitExceeded"


def test_second_factors_are_read_back(api: Any, pool_id: str) -> None:
    assert api.get_user_pool_mfa_config(UserPoolId=pool_id)["MfaConfiguration"] == "OFF"
    answer = api.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        MfaConfiguration="ON",
        SoftwareTokenMfaConfiguration={"Enabled": True},
        EmailMfaConfiguration={},
    )
    shown = api.get_user_pool_mfa_config(UserPoolId=pool_id)

    for each in (answer, shown):
        assert each["MfaConfiguration"] == "ON"
        assert each["SoftwareTokenMfaConfiguration"] == {"Enabled": True}
        assert each["EmailMfaConfiguration"] == {}
    assert shown_pool(api, pool_id)["MfaConfiguration"] == "ON"


def test_a_second_factor_that_nobody_can_have_is_refused(api: Any, pool_id: str) -> None:
    off = {"UserPoolId": pool_id, "SoftwareTokenMfaConfiguration": {"Enabled": False}}

    assert refusal(api.set_user_pool_mfa_config, MfaConfiguration="ON", **off)[0] == "InvalidParameter"
    api.set_user_pool_mfa_config(MfaConfiguration="OFF", **off)
    api.set_user_pool_mfa_config(MfaConfiguration="OFF", UserPoolId=pool_id)


def test_the_columns_of_a_csv_file(api: Any) -> None:
    pool_id = made_pool(api, Schema=FIXED["Schema"])["Id"]
    header = api.get_csv_header(UserPoolId=pool_id)["CSVHeader"]

    assert header[0] == "name"
    assert header[-4:] == ["custom:tenant", "custom:age", "cognito:mfa_enabled", "cognito:username"]


def test_there_are_no_identity_providers(api: Any, pool_id: str) -> None:
    assert api.list_identity_providers(UserPoolId=pool_id)["Providers"] == []


REFUSED = [
    pytest.param(
        {"AliasAttributes": ["email"], "UsernameAttributes": ["email"]}, "Only one of", id="both-names"
    ),
    pytest.param({"Schema": [{"Name": "x"}]}, "Invalid AttributeDataType", id="no-type"),
    pytest.param(
        {"Schema": [{"Name": "x", "AttributeDataType": "String", "Required": True}]},
        "Required custom attributes are not supported currently.",
        id="required-custom",
    ),
    pytest.param(
        {"Schema": [{"Name": "email", "AttributeDataType": "Number"}]},
        "standard schema attribute email",
        id="type-of-a-standard-one",
    ),
    pytest.param(
        {"Schema": [{"Name": "x", "AttributeDataType": "String"}] * 2}, "already has name", id="twice"
    ),
    pytest.param({"Schema": [{"Name": "email"}] * 2}, "already has name", id="standard-twice"),
    pytest.param(
        {
            "Schema": [
                {
                    "Name": "x",
                    "AttributeDataType": "String",
                    "StringAttributeConstraints": {"MinLength": "9", "MaxLength": "8"},
                }
            ]
        },
        "more than the most",
        id="bounds-crossed",
    ),
    pytest.param(
        {
            "Schema": [
                {
                    "Name": "x",
                    "AttributeDataType": "Number",
                    "NumberAttributeConstraints": {"MinValue": "a few"},
                }
            ]
        },
        "no whole number",
        id="bound-is-no-number",
    ),
    pytest.param(
        {"LambdaConfig": {"PreSignUp": FUNCTION.replace("000000000000", "111111111111")}},
        "is no function of this server",
        id="function-of-another-account",
    ),
    pytest.param(
        {
            "LambdaConfig": {
                "PreTokenGeneration": FUNCTION,
                "PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": FUNCTION + "2"},
            }
        },
        "different functions",
        id="two-functions-for-tokens",
    ),
    pytest.param(
        {
            "AccountRecoverySetting": {
                "RecoveryMechanisms": [
                    {"Priority": 1, "Name": "admin_only"},
                    {"Priority": 2, "Name": "verified_email"},
                ]
            }
        },
        "admin_only",
        id="recovery-by-nobody-and-mail",
    ),
    pytest.param(
        {
            "AccountRecoverySetting": {
                "RecoveryMechanisms": [
                    {"Priority": 1, "Name": "verified_phone_number"},
                    {"Priority": 1, "Name": "verified_email"},
                ]
            }
        },
        "one priority",
        id="recovery-one-priority",
    ),
    pytest.param(
        {
            "Policies": {"PasswordPolicy": {"TemporaryPasswordValidityDays": 3}},
            "AdminCreateUserConfig": {"UnusedAccountValidityDays": 4},
        },
        "differ",
        id="two-validities",
    ),
    pytest.param(
        {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}}},
        "must include PASSWORD",
        id="no-password",
    ),
    pytest.param(
        {"UserPoolTags": {f"t{number}": "" for number in range(51)}}, "at most 50 tags", id="many-tags"
    ),
]


@pytest.mark.parametrize(("settings", "why"), REFUSED)
def test_what_a_pool_cannot_be(api: Any, settings: dict[str, Any], why: str) -> None:
    code, message = refusal(api.create_user_pool, PoolName="never", **settings)

    assert code == "InvalidParameter"
    assert why in message
    assert "never" not in [pool["Name"] for pool in api.list_user_pools(MaxResults=60)["UserPools"]]


CONSTRAINTS = [
    pytest.param(
        {"PoolName": "<script>"}, "poolName", r"regular expression pattern: [\w\s+=,.@-]+", id="name"
    ),
    pytest.param(
        {"MfaConfiguration": "MAYBE"}, "mfaConfiguration", "enum value set: [OFF, ON, OPTIONAL]", id="enum"
    ),
    pytest.param(
        {"Policies": {"PasswordPolicy": {"MinimumLength": 100}}},
        "policies.passwordPolicy.minimumLength",
        "less than or equal to 99",
        id="most",
    ),
    pytest.param(
        {"Schema": [{"Name": "a" * 21, "AttributeDataType": "String"}]},
        "schema.1.member.name",
        "less than or equal to 20",
        id="length",
    ),
    pytest.param(
        {"LambdaConfig": {"PreSignUp": "arn:aws:not-quite-an-arn"}},
        "lambdaConfig.preSignUp",
        "regular expression",
        id="arn",
    ),
]


@pytest.mark.parametrize(("settings", "where", "rule"), CONSTRAINTS)
def test_constraints_of_the_model(
    stand: CognitoStand, settings: dict[str, Any], where: str, rule: str
) -> None:
    code, message = refusal(stand.admin.create_user_pool, **{"PoolName": "never", **settings})

    assert code == "InvalidParameter"
    assert "validation error detected" in message
    assert f"at '{where}'" in message
    assert rule in message


def test_pools_are_no_business_of_the_public_listener(stand: CognitoStand) -> None:
    """P5: who has no keys learns not even which actions there are."""
    assert refusal(stand.public.list_user_pools, MaxResults=1)[0] == "UnknownOperation"
    assert stand.admin.list_user_pools(MaxResults=1)["UserPools"]
