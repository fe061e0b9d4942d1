"""SignUp, ConfirmSignUp and ResendConfirmationCode by boto3, and what is said where they are refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from auth.core.lockout import Limits, Window
from auth.pool import AttributeRule, PasswordPolicy
from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.user_pool import PASSWORD

EMAIL = [{"Name": "email", "Value": "bob@example.com"}]
MISMATCH = ("CodeMismatch", "Invalid verification code provided, please try again.")
WIDE = "\uff42\uff4f\uff42"  # bob, in the width of Chinese letters
EXPIRED = ("ExpiredCode", "Invalid code provided, please request a code again.")
UNKNOWN = ("UserNotFound", "Username/client id combination not found.")


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[CognitoStand]:
    with CognitoStand(tmp_path) as stand:
        yield stand


@pytest.fixture
def legacy(tmp_path: Path) -> Iterator[CognitoStand]:
    """With a client that tells who exists."""
    with CognitoStand(tmp_path, client={"hides_users": False}) as stand:
        yield stand


def sign_up(stand: CognitoStand, name: str = "bob", **changes: Any) -> Any:
    given: dict[str, Any] = {"Password": PASSWORD, "UserAttributes": EMAIL} | changes
    return stand.public.sign_up(ClientId=stand.client_id, Username=name, **given)


def confirm(stand: CognitoStand, code: str, name: str = "bob", **more: Any) -> Any:
    return stand.public.confirm_sign_up(
        ClientId=stand.client_id, Username=name, ConfirmationCode=code, **more
    )


def shown(stand: CognitoStand, name: str = "bob") -> Any:
    return stand.admin.admin_get_user(UserPoolId=stand.pool_id, Username=name)


def refused_sign_up(stand: CognitoStand, name: str = "bob", **changes: Any) -> tuple[str, str]:
    given: dict[str, Any] = {"Password": PASSWORD, "UserAttributes": EMAIL} | changes
    return refusal(stand.public.sign_up, ClientId=stand.client_id, Username=name, **given)


def refused_code(stand: CognitoStand, code: str, name: str = "bob") -> tuple[str, str]:
    return refusal(
        stand.public.confirm_sign_up, ClientId=stand.client_id, Username=name, ConfirmationCode=code
    )


def test_signing_up_with_a_code_from_the_mail(stand: CognitoStand) -> None:
    made = sign_up(stand)
    assert made["UserConfirmed"] is False
    assert made["CodeDeliveryDetails"] == {
        "Destination": "b***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert shown(stand)["UserStatus"] == "UNCONFIRMED"

    assert refused_code(stand, stand.people.wrong_code()) == MISMATCH
    confirm(stand, stand.people.code())

    user = shown(stand)
    attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
    assert user["UserStatus"] == "CONFIRMED"
    assert attributes == {"sub": made["UserSub"], "email": "bob@example.com", "email_verified": "true"}
    assert stand.people.is_let_in("bob")


def test_who_has_no_address_gets_no_code(stand: CognitoStand) -> None:
    assert "CodeDeliveryDetails" not in sign_up(stand, UserAttributes=[])
    assert stand.people.mails == []


def test_a_pool_that_verifies_nothing_sends_nothing(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, auto_verified=frozenset()) as stand:
        assert "CodeDeliveryDetails" not in sign_up(stand)
        assert stand.people.mails == []
        assert refusal(stand.public.resend_confirmation_code, ClientId=stand.client_id, Username="bob") == (
            "InvalidParameter",
            "Auto verification not turned on.",
        )


def test_a_taken_name_is_told(stand: CognitoStand) -> None:
    sign_up(stand)
    assert refused_sign_up(stand) == ("UsernameExists", "User already exists")
    assert refused_sign_up(stand, "BOB") == ("UsernameExists", "User already exists")


def test_where_people_sign_in_with_addresses(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, sign_in_with=frozenset({"email"})) as stand:
        made = sign_up(stand, "bob@example.com", UserAttributes=[])
        user = shown(stand, "bob@example.com")
        assert user["Username"] == made["UserSub"]
        assert {"Name": "email", "Value": "bob@example.com"} in user["UserAttributes"]
        assert refused_sign_up(stand, "Bob@Example.com", UserAttributes=[]) == (
            "UsernameExists",
            "An account with the given email already exists.",
        )
        assert refused_sign_up(stand, "bob") == ("InvalidParameter", "Username should be an email.")


def test_a_name_beside_addresses_is_no_address(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, sign_in_with=frozenset({"username", "email"})) as stand:
        assert refused_sign_up(stand, "bob@example.com") == (
            "InvalidParameter",
            "Username cannot be of email format, since user pool is configured for email alias.",
        )


def test_an_address_of_somebody_else_is_taken_over_only_when_asked_for(tmp_path: Path) -> None:
    """AliasExists at the confirmation; ForceAliasCreation moves the address."""
    with CognitoStand(tmp_path, sign_in_with=frozenset({"username", "email"})) as stand:
        stand.people.add("ada", email="bob@example.com")
        sign_up(stand)
        code = stand.people.code()
        assert refused_code(stand, code) == (
            "AliasExists",
            "An account with the given email already exists.",
        )
        confirm(stand, code, ForceAliasCreation=True)
        assert shown(stand, "bob@example.com")["Username"] == "bob"
        ada = {each["Name"]: each["Value"] for each in shown(stand, "ada")["UserAttributes"]}
        assert ada["email_verified"] == "false"


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("Sh0rt!", "Password not long enough"),
        ("lower-case-1", "Password must have uppercase characters"),
        ("UPPER-CASE-1", "Password must have lowercase characters"),
        ("No-Digits-Here", "Password must have numeric characters"),
        ("NoSymbols1", "Password must have symbol characters"),
    ],
)
def test_the_policy_in_cognitos_words(tmp_path: Path, password: str, said: str) -> None:
    policy = PasswordPolicy(require=frozenset({"upper", "lower", "digit", "symbol"}))
    with CognitoStand(tmp_path, password=policy) as stand:
        assert refused_sign_up(stand, Password=password) == (
            "InvalidPassword",
            f"Password did not conform with policy: {said}",
        )
        assert sign_up(stand, Password="G00d-Password")["UserSub"]


def test_a_password_with_a_blank_at_its_end(stand: CognitoStand) -> None:
    assert refused_sign_up(stand, Password="horse battery ") == (
        "InvalidParameter",
        "1 validation error detected: Value at 'password' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: ^[\S]+.*[\S]+$",
    )


def test_a_pool_where_nobody_signs_up(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, self_sign_up=False) as stand:
        assert refused_sign_up(stand) == ("NotAuthorized", "SignUp is not permitted for this user pool")


def test_what_the_client_may_write(tmp_path: Path) -> None:
    """Twin: the same attribute where the client may."""
    with CognitoStand(tmp_path, client={"write_attributes": frozenset({"email"})}) as stand:
        name = {"Name": "name", "Value": "Bob"}
        assert refused_sign_up(stand, UserAttributes=[*EMAIL, name]) == (
            "NotAuthorized",
            "A client attempted to write unauthorized attribute",
        )
        assert sign_up(stand)["UserSub"]


@pytest.mark.parametrize(
    ("attribute", "bad", "good", "said"),
    [
        ("phone_number", "0123", "+4712345678", "Invalid phone number format."),
        ("email", "bob at example", "bob@example.com", "Invalid email address format."),
        (
            "birthdate",
            "1.2.1990",
            "1990-02-01",
            "Invalid birthdate format. It must be YYYY-MM-DD.",
        ),
        (
            "custom:shoe",
            "big",
            "43.5",
            "Attributes did not conform to the schema: custom:shoe: Must be a number.",
        ),
        (
            "custom:hat",
            "x",
            "bowler",
            "Attributes did not conform to the schema: custom:hat: String must be no less than 2.",
        ),
        (
            "custom:other",
            "x",
            None,
            "Attributes did not conform to the schema: custom:other: Attribute does not exist in the schema.",
        ),
    ],
)
def test_attributes_have_a_form(
    tmp_path: Path, attribute: str, bad: str, good: str | None, said: str
) -> None:
    rules = (AttributeRule(name="shoe", type="number"), AttributeRule(name="hat", least=2))
    with CognitoStand(tmp_path, attributes=rules) as stand:
        assert refused_sign_up(stand, UserAttributes=[{"Name": attribute, "Value": bad}]) == (
            "InvalidParameter",
            said,
        )
        if good is not None:
            given = {"Name": attribute, "Value": good}
            sign_up(stand, UserAttributes=[given])
            assert given in shown(stand)["UserAttributes"]


def test_what_the_pool_requires(tmp_path: Path) -> None:
    standard = (AttributeRule(name="family_name", is_required=True),)
    with CognitoStand(tmp_path, standard=standard) as stand:
        assert refused_sign_up(stand) == (
            "InvalidParameter",
            "Attributes did not conform to the schema: family_name: The attribute is required",
        )
        assert sign_up(stand, UserAttributes=[{"Name": "family_name", "Value": "L"}])["UserSub"]


def test_nobody_vouches_for_themselves(stand: CognitoStand) -> None:
    """B11: only a code verifies an address. Twin: the address alone."""
    verified = {"Name": "email_verified", "Value": "true"}
    assert refused_sign_up(stand, UserAttributes=[*EMAIL, verified]) == (
        "NotAuthorized",
        "A client attempted to write unauthorized attribute",
    )
    sign_up(stand)
    assert all(each["Name"] != "email_verified" for each in shown(stand)["UserAttributes"])


# --- who may know who exists ---


def test_people_who_do_not_exist_are_answered_alike(stand: CognitoStand) -> None:
    """B6: resend and confirm say the same of nobody and of somebody who is confirmed, and do equal work."""
    stand.people.add("ada")
    answers = []
    for name in ("ada", "nobody"):
        sent = stand.public.resend_confirmation_code(ClientId=stand.client_id, Username=name)
        del sent["ResponseMetadata"]
        answers.append((sent["CodeDeliveryDetails"].keys(), refused_code(stand, "000000", name)))
    assert answers[0] == answers[1]
    assert refused_code(stand, "000000", "never-asked") == EXPIRED
    assert stand.people.mails == []


def test_a_client_may_ask_to_be_told(legacy: CognitoStand) -> None:
    legacy.people.add("ada")
    legacy.people.add("off", email="off@example.com")
    legacy.admin.admin_disable_user(UserPoolId=legacy.pool_id, Username="off")
    resend = legacy.public.resend_confirmation_code
    assert refused_code(legacy, "000000", "nobody") == UNKNOWN
    assert refusal(resend, ClientId=legacy.client_id, Username="nobody") == UNKNOWN
    assert refusal(resend, ClientId=legacy.client_id, Username="off") == UNKNOWN
    assert refusal(resend, ClientId=legacy.client_id, Username="ada") == (
        "InvalidParameter",
        "User is already confirmed.",
    )
    assert refused_code(legacy, "000000", "ada") == (
        "NotAuthorized",
        "User cannot be confirmed. Current status is CONFIRMED",
    )


def test_a_new_code_ends_the_old_one(stand: CognitoStand) -> None:
    """B10: one live code for one purpose."""
    sign_up(stand)
    old = stand.people.code()
    stand.public.resend_confirmation_code(ClientId=stand.client_id, Username="bob")
    new = stand.people.code()
    if old != new:
        assert refused_code(stand, old) == MISMATCH
    confirm(stand, new)
    assert shown(stand)["UserStatus"] == "CONFIRMED"


def test_a_code_is_good_for_a_day(stand: CognitoStand) -> None:
    """B10. Twin: a minute before it ends."""
    for name, age_s, error in (("bob", 86_400.0, EXPIRED), ("eve", 86_340.0, None)):
        sign_up(stand, name, UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}])
        code = stand.people.code()
        stand.people.clock.move(age_s)
        if error is None:
            confirm(stand, code, name)
        else:
            assert refused_code(stand, code, name) == error


def test_a_code_dies_at_the_fifth_wrong_try(stand: CognitoStand) -> None:
    """B10. Twin: after four it is still good."""
    for name, tries in (("bob", 5), ("eve", 4)):
        sign_up(stand, name, UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}])
        for _ in range(tries):
            assert refused_code(stand, stand.people.wrong_code(), name) == MISMATCH
        if tries == 5:
            assert refused_code(stand, stand.people.code(), name) == EXPIRED
        else:
            confirm(stand, stand.people.code(), name)


def test_enough_mails_were_sent(stand: CognitoStand) -> None:
    """B10: the send rate is limited."""
    sign_up(stand)
    for _ in range(5):
        stand.public.resend_confirmation_code(ClientId=stand.client_id, Username="bob")
    assert refusal(stand.public.resend_confirmation_code, ClientId=stand.client_id, Username="bob") == (
        "LimitExceeded",
        "Attempt limit exceeded, please try after some time.",
    )


# --- the client ---


def test_a_client_with_a_secret(tmp_path: Path) -> None:
    """A17: SECRET_HASH wherever a name is sent. Twin: the right one."""
    with CognitoStand(tmp_path, client={"has_secret": True}) as stand:
        client = stand.client_id
        calls: list[tuple[Any, dict[str, Any]]] = [
            (stand.public.sign_up, {"Password": PASSWORD, "UserAttributes": EMAIL}),
            (stand.public.confirm_sign_up, {"ConfirmationCode": "000000"}),
            (stand.public.resend_confirmation_code, {}),
            (stand.public.forgot_password, {}),
            (stand.public.confirm_forgot_password, {"ConfirmationCode": "000000", "Password": PASSWORD}),
        ]
        for call, given in calls:
            named = {"ClientId": client, "Username": "bob", **given}
            assert refusal(call, **named) == (
                "NotAuthorized",
                f"Client {client} is configured with secret but SECRET_HASH was not received",
            )
            wrong = stand.secret_hash("eve")
            assert refusal(call, **named, SecretHash=wrong) == (
                "NotAuthorized",
                f"Unable to verify secret hash for client {client}",
            )
        right = stand.secret_hash("bob")
        sign_up(stand, SecretHash=right)
        confirm(stand, stand.people.code(), SecretHash=right)
        assert stand.people.is_let_in("bob")


def test_a_client_that_nobody_knows(stand: CognitoStand) -> None:
    assert refusal(stand.public.sign_up, ClientId="nothing", Username="bob", Password=PASSWORD) == (
        "ResourceNotFound",
        "User pool client nothing does not exist.",
    )


# --- names ---

ALIKE = [
    pytest.param("Bob", "bob", id="case"),
    pytest.param(WIDE, "bob", id="width"),
    pytest.param("jose\u0301", "jos\u00e9", id="accent"),
    pytest.param("stra\u00dfe", "STRASSE", id="sharp-s"),
]


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_names_that_look_alike_are_one(stand: CognitoStand, first: str, second: str) -> None:
    """B13: one canonical form. Twin: another letter is another name."""
    sign_up(stand, first, UserAttributes=[])
    assert refused_sign_up(stand, second, UserAttributes=[]) == ("UsernameExists", "User already exists")
    assert shown(stand, second)["Username"] == first
    assert sign_up(stand, f"{second}x", UserAttributes=[])["UserSub"]


@pytest.mark.parametrize(
    "name", ["bob\u202egnp", "bo\u200bb", "bo\u2066b", "bo b", "bo\x07b", "\u3164", "bob\u00ad"]
)
def test_names_with_what_cannot_be_seen(stand: CognitoStand, name: str) -> None:
    """B13: control and bidi characters are refused."""
    code, said = refused_sign_up(stand, name)
    assert code == "InvalidParameter"
    assert said.startswith("1 validation error detected: Value at 'username' failed to satisfy constraint")


def test_fifty_sign_ups_of_one_name_have_one_winner(tmp_path: Path) -> None:
    """R8, B13: the unique index decides, whichever way the name is written."""
    limits = Limits(address_sign_ups=Window(limit=1000, window_s=3600))
    with CognitoStand(tmp_path, foundation={"limits": limits}) as stand:
        names = ["bob", "BOB", WIDE, "Bob", "bOb"] * 10

        def one(name: str) -> str:
            try:
                return str(sign_up(stand, name, UserAttributes=[])["UserSub"])
            except stand.public.exceptions.UsernameExistsException:
                return ""

        with ThreadPoolExecutor(10) as threads:
            subs = [sub for sub in threads.map(one, names) if sub]
        assert len(subs) == 1
        assert shown(stand)["UserAttributes"] == [{"Name": "sub", "Value": subs[0]}]
