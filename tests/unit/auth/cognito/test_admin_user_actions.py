"""What operators do with people by boto3, each effect read back, and what is said where it is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth.core.steps import Challenge
from auth.errors import NotAuthorized
from tests.support.cognito_stand import KEY_ID, CognitoStand, refusal
from tests.support.user_pool import PASSWORD

NEW = "another good password"
NOBODY = ("UserNotFound", "User does not exist.")
BOB = [{"Name": "email", "Value": "bob@example.com"}]
VERIFIED = [*BOB, {"Name": "email_verified", "Value": "true"}]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[CognitoStand]:
    with CognitoStand(tmp_path) as stand:
        stand.people.add()
        yield stand


def named(stand: CognitoStand, name: str = "ada") -> dict[str, str]:
    return {"UserPoolId": stand.pool_id, "Username": name}


def create(stand: CognitoStand, name: str = "bob", **given: Any) -> Any:
    return stand.admin.admin_create_user(**named(stand, name), **given)["User"]


def shown(stand: CognitoStand, name: str = "ada") -> Any:
    return stand.admin.admin_get_user(**named(stand, name))


def attributes(stand: CognitoStand, name: str = "ada") -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in shown(stand, name)["UserAttributes"]}


def test_an_invitation(stand: CognitoStand) -> None:
    user = create(stand, UserAttributes=BOB, DesiredDeliveryMediums=["EMAIL"])
    assert (user["Username"], user["UserStatus"], user["Enabled"]) == ("bob", "FORCE_CHANGE_PASSWORD", True)
    assert shown(stand, "bob")["UserCreateDate"] == user["UserCreateDate"]
    assert [(mail.to, mail.purpose) for mail in stand.people.mails] == [("bob@example.com", "invitation")]


def test_a_temporary_password_and_no_mail(stand: CognitoStand) -> None:
    create(stand, UserAttributes=BOB, TemporaryPassword=NEW, MessageAction="SUPPRESS")
    assert stand.people.mails == []
    step = stand.people.log_in("bob", NEW)
    assert isinstance(step, Challenge)
    assert step.name == "NEW_PASSWORD_REQUIRED"


def test_an_invitation_again(stand: CognitoStand) -> None:
    """RESEND: another temporary password, with all its time. Twins: nobody, and somebody who has their own."""
    create(stand, UserAttributes=BOB, TemporaryPassword=PASSWORD)
    stand.people.clock.move(6 * 86_400.0)
    create(stand, MessageAction="RESEND", TemporaryPassword=NEW)
    assert len(stand.people.mails) == 2
    assert NEW in stand.people.mails[1].text
    stand.people.clock.move(6 * 86_400.0)
    assert isinstance(stand.people.log_in("bob", NEW), Challenge)
    with pytest.raises(NotAuthorized):
        stand.people.log_in("bob", PASSWORD)
    resend = stand.admin.admin_create_user
    assert refusal(resend, **named(stand, "nobody"), MessageAction="RESEND") == NOBODY
    assert refusal(resend, **named(stand), MessageAction="RESEND") == (
        "UnsupportedUserState",
        "Resend not possible. ada status is not FORCE_CHANGE_PASSWORD",
    )


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"Username": "ADA"}, ("UsernameExists", "User account already exists")),
        (
            {"TemporaryPassword": "short"},
            ("InvalidPassword", "Password did not conform with policy: Password not long enough"),
        ),
        (
            {"DesiredDeliveryMediums": ["EMAIL"], "UserAttributes": []},
            ("InvalidParameter", "No email provided but desired delivery medium was Email"),
        ),
        (
            {"DesiredDeliveryMediums": ["SMS"]},
            (
                "InvalidParameter",
                "This server sends no text messages: ask for EMAIL, or for SUPPRESS.",
            ),
        ),
    ],
)
def test_who_is_not_made(stand: CognitoStand, given: dict[str, Any], refused: tuple[str, str]) -> None:
    """Twin: the same without what is wrong with it."""
    good = named(stand, "bob") | {"UserAttributes": BOB}
    assert refusal(stand.admin.admin_create_user, **(good | given)) == refused
    assert refusal(stand.admin.admin_get_user, **named(stand, "bob")) == NOBODY
    assert stand.people.mails == []
    assert stand.admin.admin_create_user(**good)["User"]["Username"] == "bob"


def test_a_verified_address_is_one_persons(tmp_path: Path) -> None:
    """AliasExists; ForceAliasCreation takes it over."""
    with CognitoStand(tmp_path, sign_in_with=frozenset({"username", "email"})) as stand:
        stand.people.add("ada", email="bob@example.com")
        given: dict[str, Any] = {"UserAttributes": VERIFIED, "MessageAction": "SUPPRESS"}
        assert refusal(stand.admin.admin_create_user, **named(stand, "bob"), **given) == (
            "AliasExists",
            "An account with the given email already exists.",
        )
        create(stand, **given, ForceAliasCreation=True)
        assert shown(stand, "bob@example.com")["Username"] == "bob"
        assert attributes(stand)["email_verified"] == "false"


def test_an_address_that_names_somebody(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, sign_in_with=frozenset({"email"})) as stand:
        user = create(stand, "bob@example.com")
        assert attributes(stand, "bob@example.com") == {
            "sub": user["Username"],
            "email": "bob@example.com",
        }
        forced = {"ForceAliasCreation": True}
        assert refusal(stand.admin.admin_create_user, **named(stand, "BOB@example.com"), **forced) == (
            "UsernameExists",
            "An account with the given email already exists.",
        )


def test_attributes(stand: CognitoStand) -> None:
    """An operator vouches for an address; one that nobody vouches for is sent a code."""
    update = stand.admin.admin_update_user_attributes
    update(**named(stand), UserAttributes=VERIFIED)
    assert (attributes(stand)["email"], attributes(stand)["email_verified"]) == ("bob@example.com", "true")
    stand.people.mails.clear()
    update(**named(stand), UserAttributes=[{"Name": "email", "Value": "c@example.com"}])
    assert attributes(stand)["email_verified"] == "false"
    stand.public.verify_user_attribute(
        AccessToken=stand.access_token(), AttributeName="email", Code=stand.people.code()
    )
    assert attributes(stand)["email_verified"] == "true"
    update(**named(stand), UserAttributes=[{"Name": "name", "Value": "A"}])
    stand.admin.admin_delete_user_attributes(**named(stand), UserAttributeNames=["name"])
    assert "name" not in attributes(stand)
    sub = [{"Name": "sub", "Value": "x"}]
    assert refusal(update, **named(stand), UserAttributes=sub)[0] == "NotAuthorized"


@pytest.mark.parametrize(("permanent", "status"), [(True, "CONFIRMED"), (False, "FORCE_CHANGE_PASSWORD")])
def test_a_password_that_an_operator_sets(stand: CognitoStand, permanent: bool, status: str) -> None:
    """A8: every session ends."""
    token = stand.access_token()
    stand.admin.admin_set_user_password(**named(stand), Password=NEW, Permanent=permanent)
    assert shown(stand)["UserStatus"] == status
    assert stand.people.is_let_in("ada", NEW) is permanent
    assert refusal(stand.public.get_user, AccessToken=token)[1] == "Access Token has been revoked"
    assert refusal(stand.admin.admin_set_user_password, **named(stand), Password="short") == (
        "InvalidPassword",
        "Password did not conform with policy: Password not long enough",
    )


def test_a_password_that_must_be_reset(stand: CognitoStand) -> None:
    stand.admin.admin_reset_user_password(**named(stand))
    assert shown(stand)["UserStatus"] == "RESET_REQUIRED"
    stand.public.confirm_forgot_password(
        ClientId=stand.client_id, Username="ada", ConfirmationCode=stand.people.code(), Password=NEW
    )
    assert shown(stand)["UserStatus"] == "CONFIRMED"
    create(stand, UserAttributes=VERIFIED)
    reset = stand.admin.admin_reset_user_password
    assert refusal(reset, **named(stand, "bob")) == (
        "NotAuthorized",
        "User password cannot be reset in the current state.",
    )
    stand.people.add("without", email=None)
    assert refusal(reset, **named(stand, "without"))[0] == "InvalidParameter"


def test_confirming_without_a_code(stand: CognitoStand) -> None:
    stand.public.sign_up(ClientId=stand.client_id, Username="bob", Password=PASSWORD, UserAttributes=BOB)
    stand.admin.admin_confirm_sign_up(**named(stand, "bob"))
    assert shown(stand, "bob")["UserStatus"] == "CONFIRMED"
    assert refusal(stand.admin.admin_confirm_sign_up, **named(stand, "bob")) == (
        "NotAuthorized",
        "User cannot be confirmed. Current status is CONFIRMED",
    )


def test_stopping_somebody(stand: CognitoStand) -> None:
    """A9: and signing them out."""
    token = stand.access_token()
    stand.admin.admin_user_global_sign_out(**named(stand))
    assert refusal(stand.public.get_user, AccessToken=token)[1] == "Access Token has been revoked"
    stand.admin.admin_disable_user(**named(stand))
    assert shown(stand)["Enabled"] is False
    with pytest.raises(NotAuthorized):
        stand.people.log_in()
    stand.admin.admin_enable_user(**named(stand))
    assert shown(stand)["Enabled"] is True
    assert stand.people.is_let_in()
    stand.admin.admin_delete_user(**named(stand))
    assert refusal(stand.admin.admin_get_user, **named(stand)) == NOBODY


def test_nobody_is_told_to_operators(stand: CognitoStand) -> None:
    admin, who = stand.admin, named(stand, "nobody")
    calls: list[tuple[Any, dict[str, Any]]] = [
        (admin.admin_get_user, {}),
        (admin.admin_update_user_attributes, {"UserAttributes": BOB}),
        (admin.admin_delete_user_attributes, {"UserAttributeNames": ["name"]}),
        (admin.admin_set_user_password, {"Password": NEW}),
        (admin.admin_reset_user_password, {}),
        (admin.admin_confirm_sign_up, {}),
        (admin.admin_enable_user, {}),
        (admin.admin_disable_user, {}),
        (admin.admin_delete_user, {}),
        (admin.admin_user_global_sign_out, {}),
        (admin.admin_set_user_mfa_preference, {}),
        (admin.admin_list_groups_for_user, {}),
    ]
    for call, given in calls:
        assert refusal(call, **who, **given) == NOBODY
    elsewhere = {"UserPoolId": "us-east-1_Nothing01", "Username": "ada"}
    assert refusal(admin.admin_get_user, **elsewhere) == (
        "ResourceNotFound",
        "User pool us-east-1_Nothing01 does not exist.",
    )


def test_who_did_it_is_on_record(stand: CognitoStand) -> None:
    """L4: the key that signed, and from where."""
    stand.admin.admin_disable_user(**named(stand))
    record = next(each for each in stand.people.store.audit.read(limit=9) if each.action == "user_disabled")
    assert (record.actor, record.target) == (f"key:{KEY_ID}", stand.people.user().sub)
    assert record.source_ip == "127.0.0.1"


def test_the_first_password_writes_what_the_client_may(tmp_path: Path) -> None:
    """Twin: the same answer without the attribute, at the same step."""
    with CognitoStand(tmp_path, client={"write_attributes": frozenset({"email"})}) as stand:
        create(stand, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS")
        step = stand.people.log_in("bob")
        assert isinstance(step, Challenge)
        answers = {"NEW_PASSWORD": NEW, "userAttributes.name": "B"}
        with pytest.raises(NotAuthorized, match="A client attempted to write unauthorized attribute"):
            stand.people.answer(step.name, step.handle, answers)
        stand.people.answer(step.name, step.handle, {"NEW_PASSWORD": NEW})
        assert stand.people.is_let_in("bob", NEW)
