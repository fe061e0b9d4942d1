"""GetUser, attributes and DeleteUser by boto3, each effect read back, and what is said where they are refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth.pool import AttributeRule
from tests.support.cognito_stand import CognitoStand, refusal

UNWRITABLE = ("NotAuthorized", "A client attempted to write unauthorized attribute")
MISMATCH = ("CodeMismatch", "Invalid verification code provided, please try again.")
EXPIRED = ("ExpiredCode", "Invalid code provided, please request a code again.")


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[CognitoStand]:
    rules = (AttributeRule(name="tenant", is_mutable=False), AttributeRule(name="shoe", type="number"))
    with CognitoStand(tmp_path, attributes=rules) as stand:
        stand.people.add()
        yield stand


def listed(**attributes: str) -> list[dict[str, str]]:
    return [{"Name": name.replace("__", ":"), "Value": value} for name, value in attributes.items()]


def mine(stand: CognitoStand, token: str) -> dict[str, str]:
    attributes = stand.public.get_user(AccessToken=token)["UserAttributes"]
    return {each["Name"]: each["Value"] for each in attributes if each["Name"] != "sub"}


def update(stand: CognitoStand, token: str, **attributes: str) -> Any:
    return stand.public.update_user_attributes(AccessToken=token, UserAttributes=listed(**attributes))


def refused_update(stand: CognitoStand, token: str, **attributes: str) -> tuple[str, str]:
    return refusal(
        stand.public.update_user_attributes, AccessToken=token, UserAttributes=listed(**attributes)
    )


def test_attributes_are_set_and_taken_away(stand: CognitoStand) -> None:
    token = stand.access_token()
    assert update(stand, token, name="Ada", locale="en", custom__shoe="38")["CodeDeliveryDetailsList"] == []
    assert mine(stand, token) == {
        "custom:shoe": "38",
        "email": "ada@example.com",
        "email_verified": "true",
        "locale": "en",
        "name": "Ada",
    }
    stand.public.delete_user_attributes(AccessToken=token, UserAttributeNames=["name", "custom:shoe"])
    update(stand, token, locale="")  # empty text takes it away as well
    assert mine(stand, token).keys() == {"email", "email_verified"}


def test_a_new_address_is_worth_nothing_until_its_code_came_back(stand: CognitoStand) -> None:
    """B11: not verified, a code to the new one, a word to the old one."""
    token = stand.access_token()
    sent = update(stand, token, email="new@example.com")
    assert sent["CodeDeliveryDetailsList"] == [
        {"Destination": "n***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    ]
    assert mine(stand, token)["email_verified"] == "false"
    assert "ada@example.com" in [mail.to for mail in stand.people.mails]

    verify = stand.public.verify_user_attribute
    wrong = stand.people.wrong_code()
    assert refusal(verify, AccessToken=token, AttributeName="email", Code=wrong) == MISMATCH
    verify(AccessToken=token, AttributeName="email", Code=stand.people.code())
    assert mine(stand, token) == {"email": "new@example.com", "email_verified": "true"}
    used = stand.people.code()
    assert refusal(verify, AccessToken=token, AttributeName="email", Code=used) == EXPIRED


def test_a_code_may_be_asked_for_again(stand: CognitoStand) -> None:
    token = stand.access_token()
    ask = stand.public.get_user_attribute_verification_code
    sent = ask(AccessToken=token, AttributeName="email")
    assert sent["CodeDeliveryDetails"]["Destination"] == "a***@e***"
    stand.public.verify_user_attribute(AccessToken=token, AttributeName="email", Code=stand.people.code())
    assert refusal(ask, AccessToken=token, AttributeName="name") == (
        "InvalidParameter",
        "Only email and phone_number can be verified.",
    )
    assert refusal(ask, AccessToken=token, AttributeName="phone_number")[0] == "InvalidParameter"


def test_enough_codes_were_sent(stand: CognitoStand) -> None:
    """B10: the send rate is limited."""
    token = stand.access_token()
    ask = stand.public.get_user_attribute_verification_code
    for _ in range(5):
        ask(AccessToken=token, AttributeName="email")
    assert refusal(ask, AccessToken=token, AttributeName="email") == (
        "LimitExceeded",
        "Attempt limit exceeded, please try after some time.",
    )


def test_an_address_that_opens_somebody_elses_account(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, sign_in_with=frozenset({"username", "email"})) as stand:
        stand.people.add()
        stand.people.add("bob", email="bob@example.com")
        token = stand.access_token()
        update(stand, token, email="bob@example.com")
        code = stand.people.code()
        verify = stand.public.verify_user_attribute
        assert refusal(verify, AccessToken=token, AttributeName="email", Code=code) == (
            "AliasExists",
            "An account with the given email already exists.",
        )


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("sub", "x", UNWRITABLE),
        ("email_verified", "true", UNWRITABLE),
        (
            "custom__tenant",
            "b",
            (
                "InvalidParameter",
                "Attributes did not conform to the schema: custom:tenant: Attribute cannot be updated.",
            ),
        ),
        (
            "shoe",
            "1",
            (
                "InvalidParameter",
                "Attributes did not conform to the schema: shoe: Attribute does not exist in the schema.",
            ),
        ),
        ("phone_number", "004712345678", ("InvalidParameter", "Invalid phone number format.")),
        (
            "birthdate",
            "1990-2-1",
            ("InvalidParameter", "Invalid birthdate format. It must be YYYY-MM-DD."),
        ),
    ],
)
def test_what_nobody_writes(stand: CognitoStand, name: str, value: str, refused: tuple[str, str]) -> None:
    """B11 for the verdicts. Nothing of the call is written; twin: the rest of it alone."""
    token = stand.access_token()
    before = mine(stand, token)
    assert refused_update(stand, token, **{name: value, "nickname": "A"}) == refused
    assert mine(stand, token) == before
    update(stand, token, nickname="A")
    assert mine(stand, token)["nickname"] == "A"


def test_a_value_is_no_longer_than_2048(stand: CognitoStand) -> None:
    token = stand.access_token()
    assert refused_update(stand, token, name="x" * 2049)[0] == "InvalidParameter"
    update(stand, token, name="x" * 2048)
    assert len(mine(stand, token)["name"]) == 2048


def test_a_client_reads_and_writes_what_it_may(tmp_path: Path) -> None:
    rights = {"read_attributes": frozenset({"name"}), "write_attributes": frozenset({"name"})}
    with CognitoStand(tmp_path, client=rights) as stand:
        stand.people.add()
        token = stand.access_token()
        assert refused_update(stand, token, locale="en") == UNWRITABLE
        assert (
            refusal(stand.public.delete_user_attributes, AccessToken=token, UserAttributeNames=["email"])
            == UNWRITABLE
        )
        update(stand, token, name="Ada")
        assert mine(stand, token) == {"name": "Ada"}
        everything = stand.admin.admin_get_user(UserPoolId=stand.pool_id, Username="ada")
        assert {"Name": "email", "Value": "ada@example.com"} in everything["UserAttributes"]


def test_deleting_oneself(stand: CognitoStand) -> None:
    token = stand.access_token()
    assert stand.public.delete_user(AccessToken=token)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert refusal(stand.admin.admin_get_user, UserPoolId=stand.pool_id, Username="ada") == (
        "UserNotFound",
        "User does not exist.",
    )
    assert refusal(stand.public.get_user, AccessToken=token)[0] == "NotAuthorized"


def test_who_was_disabled_does_nothing_more(stand: CognitoStand) -> None:
    token = stand.access_token()
    stand.admin.admin_disable_user(UserPoolId=stand.pool_id, Username="ada")
    revoked = ("NotAuthorized", "Access Token has been revoked")
    assert refusal(stand.public.get_user, AccessToken=token) == revoked
    assert refused_update(stand, token, name="A") == revoked
    stand.admin.admin_enable_user(UserPoolId=stand.pool_id, Username="ada")
    assert mine(stand, stand.access_token()) == {"email": "ada@example.com", "email_verified": "true"}


def test_an_id_token_opens_nothing(stand: CognitoStand) -> None:
    """J13: kinds never mix. Twin: the access token beside it."""
    tokens = stand.tokens()
    assert tokens.id_token is not None
    assert refusal(stand.public.get_user, AccessToken=tokens.id_token) == (
        "NotAuthorized",
        "Invalid Access Token",
    )
    assert stand.public.get_user(AccessToken=tokens.access_token)["Username"] == "ada"
