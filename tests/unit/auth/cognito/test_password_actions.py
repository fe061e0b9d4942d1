"""ForgotPassword, ConfirmForgotPassword and ChangePassword by boto3, and what is said where they are refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.user_pool import PASSWORD

NEW = "another good password"
MISMATCH = ("CodeMismatch", "Invalid verification code provided, please try again.")
EXPIRED = ("ExpiredCode", "Invalid code provided, please request a code again.")
UNKNOWN = ("UserNotFound", "Username/client id combination not found.")
NO_WAY = (
    "InvalidParameter",
    "Cannot reset password for the user as there is no registered/verified email or phone_number",
)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[CognitoStand]:
    with CognitoStand(tmp_path) as stand:
        stand.people.add()
        yield stand


@pytest.fixture
def legacy(tmp_path: Path) -> Iterator[CognitoStand]:
    """With a client that tells who exists."""
    with CognitoStand(tmp_path, client={"hides_users": False}) as stand:
        stand.people.add()
        yield stand


def forgot(stand: CognitoStand, name: str = "ada") -> Any:
    return stand.public.forgot_password(ClientId=stand.client_id, Username=name)


def reset(stand: CognitoStand, code: str, name: str = "ada", password: str = NEW) -> Any:
    return stand.public.confirm_forgot_password(
        ClientId=stand.client_id, Username=name, ConfirmationCode=code, Password=password
    )


def refused_forgot(stand: CognitoStand, name: str) -> tuple[str, str]:
    return refusal(stand.public.forgot_password, ClientId=stand.client_id, Username=name)


def refused_reset(stand: CognitoStand, code: str, name: str = "ada", password: str = NEW) -> tuple[str, str]:
    return refusal(
        stand.public.confirm_forgot_password,
        ClientId=stand.client_id,
        Username=name,
        ConfirmationCode=code,
        Password=password,
    )


def test_a_forgotten_password(stand: CognitoStand) -> None:
    """A8: every session ends with the old password."""
    token = stand.access_token()
    assert forgot(stand)["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert refused_reset(stand, stand.people.wrong_code()) == MISMATCH
    reset(stand, stand.people.code())
    assert stand.people.is_let_in("ada", NEW)
    assert refusal(stand.public.get_user, AccessToken=token) == (
        "NotAuthorized",
        "Access Token has been revoked",
    )
    assert refused_reset(stand, stand.people.code()) == EXPIRED


def test_a_reset_code_is_good_for_an_hour(stand: CognitoStand) -> None:
    """B10. Twin: a minute before it ends."""
    forgot(stand)
    stand.people.clock.move(3600.0)
    assert refused_reset(stand, stand.people.code()) == EXPIRED
    forgot(stand)
    stand.people.clock.move(3540.0)
    reset(stand, stand.people.code())


def test_a_new_password_conforms(stand: CognitoStand) -> None:
    """Twin: the code is still good for one that does."""
    forgot(stand)
    assert refused_reset(stand, stand.people.code(), password="short") == (
        "InvalidPassword",
        "Password did not conform with policy: Password not long enough",
    )
    reset(stand, stand.people.code())


def test_people_who_do_not_exist_are_answered_alike(stand: CognitoStand) -> None:
    """B6: body, status, and work: one hash at the reset, whoever asks."""
    stand.people.add("off", email="off@example.com")
    stand.admin.admin_disable_user(UserPoolId=stand.pool_id, Username="off")
    shapes, refusals, work = [], [], []
    for name in ("ada", "off", "nobody"):
        sent = forgot(stand, name)["CodeDeliveryDetails"]
        shapes.append((sent.keys(), sent["DeliveryMedium"], len(sent["Destination"])))
        stand.people.hasher.work.clear()
        refusals.append(refused_reset(stand, "000000", name))
        work.append(list(stand.people.hasher.work))
    assert shapes[0] == shapes[1] == shapes[2]
    assert refusals == [MISMATCH] * 3
    assert work == [["hash"]] * 3
    assert forgot(stand, "nobody")["CodeDeliveryDetails"] == forgot(stand, "nobody")["CodeDeliveryDetails"]
    assert refused_reset(stand, "000000", "never-asked") == EXPIRED


def test_a_client_may_ask_to_be_told(legacy: CognitoStand) -> None:
    people = legacy.people
    people.add("off", email="off@example.com")
    people.add("without", email=None)
    people.add("unverified", email="u@example.com", email_verified="false")
    people.add("invited", email="i@example.com", is_permanent=False)
    legacy.admin.admin_disable_user(UserPoolId=legacy.pool_id, Username="off")
    assert refused_forgot(legacy, "nobody") == UNKNOWN
    assert refused_forgot(legacy, "off") == UNKNOWN
    assert refused_forgot(legacy, "without") == NO_WAY
    assert refused_forgot(legacy, "unverified") == NO_WAY
    assert refused_forgot(legacy, "invited") == (
        "NotAuthorized",
        "User password cannot be reset in the current state.",
    )
    assert refused_reset(legacy, "000000", "nobody") == UNKNOWN
    assert forgot(legacy)["CodeDeliveryDetails"]["Destination"] == "a***@e***"


def test_a_pool_whose_administrators_reset_passwords(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, recovery=("admin_only",)) as stand:
        stand.people.add()
        for name in ("ada", "nobody"):
            assert refused_forgot(stand, name) == (
                "NotAuthorized",
                "Contact administrator to reset password.",
            )


# --- by people who know it ---


def change(stand: CognitoStand, token: str, previous: str = PASSWORD, proposed: str = NEW) -> Any:
    return stand.public.change_password(
        AccessToken=token, PreviousPassword=previous, ProposedPassword=proposed
    )


def test_a_change_spares_its_own_session(stand: CognitoStand) -> None:
    """A8: every other one ends."""
    mine, other = stand.access_token(), stand.access_token()
    change(stand, mine)
    assert stand.public.get_user(AccessToken=mine)["Username"] == "ada"
    assert refusal(stand.public.get_user, AccessToken=other)[1] == "Access Token has been revoked"
    assert stand.people.is_let_in("ada", NEW)


def test_changes_that_are_refused(stand: CognitoStand) -> None:
    token = stand.access_token()
    call = stand.public.change_password
    assert refusal(call, AccessToken=token, PreviousPassword="wrong one", ProposedPassword=NEW) == (
        "NotAuthorized",
        "Incorrect username or password.",
    )
    assert refusal(call, AccessToken=token, ProposedPassword=NEW) == (
        "NotAuthorized",
        "Incorrect username or password.",
    )
    assert refusal(call, AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="short") == (
        "InvalidPassword",
        "Password did not conform with policy: Password not long enough",
    )
    change(stand, token)


def test_guessing_an_old_password_is_locked(stand: CognitoStand) -> None:
    """B7: as at sign-in, and a right one is refused as well."""
    token = stand.access_token()
    call = stand.public.change_password
    for _ in range(5):
        refusal(call, AccessToken=token, PreviousPassword="wrong one", ProposedPassword=NEW)
    assert refusal(call, AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword=NEW) == (
        "LimitExceeded",
        "Attempt limit exceeded, please try after some time.",
    )


def test_a_token_without_the_scope(stand: CognitoStand) -> None:
    """Twin: `test_a_change_spares_its_own_session`."""
    token = stand.tokens(scopes=("openid",)).access_token
    given = {"AccessToken": token, "PreviousPassword": PASSWORD, "ProposedPassword": NEW}
    assert refusal(stand.public.change_password, **given) == (
        "NotAuthorized",
        "Access Token does not have required scopes",
    )
