"""Sign-in by the Cognito API: what each flow wants, what it answers, and what it says of bad input."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auth.core import srp
from auth.core.totp import secret_of
from tests.support.cognito_stand import API_CLIENT, SELF_SERVICE, CognitoStand, refusal
from tests.support.srp_client import SRP_A, answers
from tests.support.user_pool import ORIGIN, PASSWORD

NEW = "another horse battery"
INCORRECT = ("NotAuthorized", "Incorrect username or password.")
PASSWORDS = "USER_PASSWORD_AUTH"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoStand]:
    """Each test has people of its own."""
    with CognitoStand(tmp_path_factory.mktemp("stand"), mfa="optional") as stand:
        yield stand


def add(stand: CognitoStand, name: str, **how: Any) -> str:
    stand.people.add(name, email=f"{name}@example.com", **how)
    return name


def begin(stand: CognitoStand, flow: str = PASSWORDS, **parameters: str) -> dict[str, Any]:
    answer: dict[str, Any] = stand.public.initiate_auth(
        ClientId=stand.client_id, AuthFlow=flow, AuthParameters=parameters
    )
    return answer


def refused(stand: CognitoStand, flow: str = PASSWORDS, **parameters: str) -> tuple[str, str]:
    return refusal(
        stand.public.initiate_auth, ClientId=stand.client_id, AuthFlow=flow, AuthParameters=parameters
    )


def respond(stand: CognitoStand, name: str, session: str | None = None, **given: str) -> dict[str, Any]:
    more = {} if session is None else {"Session": session}
    answer: dict[str, Any] = stand.public.respond_to_auth_challenge(
        ClientId=stand.client_id, ChallengeName=name, ChallengeResponses=given, **more
    )
    return answer


def not_taken(stand: CognitoStand, name: str, session: str | None = None, **given: str) -> tuple[str, str]:
    more = {} if session is None else {"Session": session}
    return refusal(
        stand.public.respond_to_auth_challenge,
        ClientId=stand.client_id,
        ChallengeName=name,
        ChallengeResponses=given,
        **more,
    )


# --- passwords ---


def test_a_password_gives_tokens(stand: CognitoStand) -> None:
    add(stand, "ada")
    answer = begin(stand, USERNAME="ada", PASSWORD=PASSWORD)
    assert answer["ChallengeParameters"] == {}
    result = answer["AuthenticationResult"]
    assert set(result) == {"AccessToken", "ExpiresIn", "TokenType", "RefreshToken", "IdToken"}
    assert (result["ExpiresIn"], result["TokenType"]) == (3600, "Bearer")
    token = stand.identity.judge.access(result["AccessToken"], stand.people.now)
    assert token.scopes == (SELF_SERVICE,)
    assert stand.public.get_user(AccessToken=result["AccessToken"])["Username"] == "ada"


def test_a_wrong_password_and_an_unknown_name_are_told_alike(stand: CognitoStand) -> None:
    """B6"""
    add(stand, "wrongly")
    assert refused(stand, USERNAME="wrongly", PASSWORD="wrong one") == INCORRECT
    assert refused(stand, USERNAME="nobody-at-all", PASSWORD="wrong one") == INCORRECT


@pytest.mark.parametrize(
    ("flow", "given", "missing"),
    [
        (PASSWORDS, {"PASSWORD": "x"}, "USERNAME"),
        (PASSWORDS, {"USERNAME": "ada"}, "PASSWORD"),
        ("USER_SRP_AUTH", {"USERNAME": "ada"}, "SRP_A"),
        ("USER_SRP_AUTH", {"SRP_A": SRP_A}, "USERNAME"),
        ("REFRESH_TOKEN_AUTH", {}, "REFRESH_TOKEN"),
    ],
)
def test_what_is_missing_is_named(
    stand: CognitoStand, flow: str, given: dict[str, str], missing: str
) -> None:
    assert refused(stand, flow, **given) == ("InvalidParameter", f"Missing required parameter {missing}")


def test_no_device_exists(stand: CognitoStand) -> None:
    """Amplify signs in again without the key when it reads these words."""
    add(stand, "tracked")
    given = {"USERNAME": "tracked", "PASSWORD": PASSWORD}
    said = ("ResourceNotFound", "Device does not exist.")
    key = "us-east-1_01234567-89ab-cdef-0123-456789abcdef"
    assert refused(stand, **given, DEVICE_KEY=key) == said
    token = begin(stand, **given)["AuthenticationResult"]["AccessToken"]
    for method in ("get_device", "forget_device", "confirm_device", "update_device_status"):
        assert refusal(getattr(stand.public, method), AccessToken=token, DeviceKey=key) == said
    assert stand.public.list_devices(AccessToken=token)["Devices"] == []
    them = {"UserPoolId": stand.pool_id, "Username": "tracked"}
    for method in ("admin_get_device", "admin_forget_device", "admin_update_device_status"):
        assert refusal(getattr(stand.admin, method), **them, DeviceKey=key) == said
    assert stand.admin.admin_list_devices(**them)["Devices"] == []


# --- SRP ---


def test_a_proof_gives_tokens_and_there_is_no_session(stand: CognitoStand) -> None:
    add(stand, "prover")
    challenge = begin(stand, "USER_SRP_AUTH", USERNAME="prover", SRP_A=SRP_A)
    assert challenge["ChallengeName"] == "PASSWORD_VERIFIER"
    assert "Session" not in challenge
    given = answers(challenge["ChallengeParameters"], stand.pool_id, PASSWORD, stand.people.now)
    assert "AccessToken" in respond(stand, "PASSWORD_VERIFIER", **given)["AuthenticationResult"]
    expired = ("NotAuthorized", "Invalid session for the user, session is expired.")
    assert not_taken(stand, "PASSWORD_VERIFIER", **given) == expired


@pytest.mark.parametrize(
    ("public", "said"),
    [
        ("0", "SRP_A is a multiple of N."),
        (f"{srp.N:x}", "SRP_A is a multiple of N."),
        (f"{2 * srp.N:x}", "SRP_A is a multiple of N."),
        ("not hexadecimal", "SRP_A is not a hexadecimal number of at most 3072 bits."),
        ("ab" * 1000, "SRP_A is not a hexadecimal number of at most 3072 bits."),
    ],
    ids=["zero", "N", "2N", "text", "long"],
)
def test_public_numbers_that_prove_nothing(stand: CognitoStand, public: str, said: str) -> None:
    """B9. Twin: `test_a_proof_gives_tokens_and_there_is_no_session`."""
    assert refused(stand, "USER_SRP_AUTH", USERNAME="ada", SRP_A=public) == ("InvalidParameter", said)


def test_somebody_unknown_gets_a_challenge_too(stand: CognitoStand) -> None:
    """B6"""
    first, second = (begin(stand, "USER_SRP_AUTH", USERNAME="no-one", SRP_A=SRP_A) for _ in range(2))
    shown = first["ChallengeParameters"]
    assert shown["SALT"] == second["ChallengeParameters"]["SALT"]
    given = answers(shown, stand.pool_id, PASSWORD, stand.people.now)
    assert not_taken(stand, "PASSWORD_VERIFIER", **given) == INCORRECT


def test_a_timestamp_in_another_form_is_told(stand: CognitoStand) -> None:
    add(stand, "zero-padder")
    challenge = begin(stand, "USER_SRP_AUTH", USERNAME="zero-padder", SRP_A=SRP_A)
    given = answers(challenge["ChallengeParameters"], stand.pool_id, PASSWORD, stand.people.now)
    said = "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
    bad = given | {"TIMESTAMP": "Fr 15. Jan 2027"}
    assert not_taken(stand, "PASSWORD_VERIFIER", **bad) == ("InvalidParameter", said)
    respond(stand, "PASSWORD_VERIFIER", **given)


# --- challenges ---


def test_a_new_password_is_asked_for(stand: CognitoStand) -> None:
    add(stand, "invited", is_permanent=False)
    challenge = begin(stand, USERNAME="invited", PASSWORD=PASSWORD)
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    shown, session = challenge["ChallengeParameters"], challenge["Session"]
    assert set(shown) == {"USER_ID_FOR_SRP", "requiredAttributes", "userAttributes"}
    assert all(isinstance(value, str) for value in shown.values())
    name = "NEW_PASSWORD_REQUIRED"
    assert not_taken(stand, name, USERNAME="invited", NEW_PASSWORD=NEW) == (
        "InvalidParameter",
        "Missing required parameter Session",
    )
    assert not_taken(stand, name, session, NEW_PASSWORD=NEW) == (
        "InvalidParameter",
        "Missing required parameter USERNAME",
    )
    weak = not_taken(stand, name, session, USERNAME="invited", NEW_PASSWORD="short")
    assert weak[0] == "InvalidPassword"
    answer = respond(stand, name, session, USERNAME="invited", NEW_PASSWORD=NEW)
    assert "RefreshToken" in answer["AuthenticationResult"]
    assert begin(stand, USERNAME="invited", PASSWORD=NEW)["AuthenticationResult"]


def test_a_challenge_is_not_skipped_by_answering_another(stand: CognitoStand) -> None:
    """B12: the session is over with that. Twin: the one that is asked for."""
    stand.people.add("skipper", email="skipper@example.com")
    seed = stand.people.with_app("skipper")
    code = stand.people.app_code(seed)
    for name in ("NEW_PASSWORD_REQUIRED", "MFA_SETUP", "CUSTOM_CHALLENGE", "SELECT_MFA_TYPE", "EMAIL_OTP"):
        session = begin(stand, USERNAME="skipper", PASSWORD=PASSWORD)["Session"]
        kind, _ = not_taken(stand, name, session, USERNAME="skipper", ANSWER="x", NEW_PASSWORD=NEW)
        assert kind == "NotAuthorized"
        later = not_taken(
            stand, "SOFTWARE_TOKEN_MFA", session, USERNAME="skipper", SOFTWARE_TOKEN_MFA_CODE=code
        )
        assert later[0] == "NotAuthorized"
    session = begin(stand, USERNAME="skipper", PASSWORD=PASSWORD)["Session"]
    given = {"USERNAME": "skipper", "SOFTWARE_TOKEN_MFA_CODE": code}
    assert respond(stand, "SOFTWARE_TOKEN_MFA", session, **given)["AuthenticationResult"]


def test_an_app_is_set_up_where_the_pool_wants_one(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, mfa="required") as stand:
        stand.people.add("ada")
        challenge = stand.sign_in("ada")
        assert challenge["ChallengeName"] == "MFA_SETUP"
        given = stand.public.associate_software_token(Session=challenge["Session"])
        code = stand.people.app_code(secret_of(given["SecretCode"]))
        done = stand.public.verify_software_token(Session=given["Session"], UserCode=code)
        answer = respond(stand, "MFA_SETUP", done["Session"], USERNAME="ada")
        assert answer["AuthenticationResult"]


@pytest.mark.parametrize("name", ["SMS_MFA", "DEVICE_SRP_AUTH", "WEB_AUTHN"])
def test_challenges_that_never_come(stand: CognitoStand, name: str) -> None:
    said = f"The challenge {name} is never given by this user pool."
    assert not_taken(stand, name, "x" * 32, USERNAME="ada") == ("InvalidParameter", said)


# --- flows and secrets ---


FLOWS = {
    PASSWORDS: "password",
    "USER_SRP_AUTH": "srp",
    "REFRESH_TOKEN_AUTH": "refresh",
    "REFRESH_TOKEN": "refresh",
    "CUSTOM_AUTH": "custom",
    "USER_AUTH": "user_auth",
}


def test_a_flow_that_the_client_has_not(tmp_path: Path) -> None:
    """With ``code`` alone there is none of them. The twin below has all."""
    with CognitoStand(tmp_path, client={"flows": frozenset({"code"})}) as stand:
        for flow in FLOWS:
            assert refused(stand, flow) == ("InvalidParameter", f"{flow} flow not enabled for this client")


def test_a_flow_that_the_client_has(tmp_path: Path) -> None:
    """It comes as far as its parameters."""
    with CognitoStand(tmp_path, client={"flows": frozenset(FLOWS.values())}) as stand:
        for flow in FLOWS:
            kind, message = refused(stand, flow)
            assert (kind, message[:7]) == ("InvalidParameter", "Missing")


def test_the_flows_of_operators_are_theirs(stand: CognitoStand) -> None:
    """P5"""
    add(stand, "served")
    given = {"USERNAME": "served", "PASSWORD": PASSWORD}
    said = ("InvalidParameter", "Initiate Auth method not supported.")
    for flow in ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
        assert refused(stand, flow, **given) == said
    where = {"UserPoolId": stand.pool_id, "ClientId": stand.client_id}
    admin = stand.admin
    for flow in ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"):
        answer = admin.admin_initiate_auth(**where, AuthFlow=flow, AuthParameters=given)
        assert answer["AuthenticationResult"]["RefreshToken"]
    assert refusal(admin.admin_initiate_auth, **where, AuthFlow=PASSWORDS, AuthParameters=given) == said
    challenge = admin.admin_initiate_auth(
        **where, AuthFlow="USER_SRP_AUTH", AuthParameters={"USERNAME": "served", "SRP_A": SRP_A}
    )
    proof = answers(challenge["ChallengeParameters"], stand.pool_id, PASSWORD, stand.people.now)
    answer = admin.admin_respond_to_auth_challenge(
        **where, ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=proof
    )
    assert answer["AuthenticationResult"]["AccessToken"]
    custom = refusal(admin.admin_initiate_auth, **where, AuthFlow="CUSTOM_AUTH", AuthParameters=given)
    assert custom == ("InvalidParameter", "Auth flow not enabled for this client")


def test_operators_name_the_address_that_limits_count(stand: CognitoStand) -> None:
    """B7: their backend signs in many people, and none of them is locked out for the others."""
    add(stand, "afar")
    where = {"UserPoolId": stand.pool_id, "ClientId": stand.client_id}
    for address, expected in (("198.51.100.9", "198.51.100.9"), ("nonsense", "127.0.0.1")):
        stand.admin.admin_initiate_auth(
            **where,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "afar", "PASSWORD": PASSWORD},
            ContextData={"IpAddress": address, "ServerName": "s", "ServerPath": "/", "HttpHeaders": []},
        )
        records = stand.people.store.audit.read(limit=5)  # newest first
        assert next(one.source_ip for one in records if one.action == "sign_in") == expected


def test_a_client_with_a_secret_proves_that_it_knows_it(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, client={"has_secret": True}) as stand:
        stand.people.add("ada")
        given = {"USERNAME": "ada", "PASSWORD": PASSWORD}
        client_id = stand.client_id
        without = f"Client {client_id} is configured with secret but SECRET_HASH was not received"
        wrong = f"Unable to verify secret hash for client {client_id}"
        other = stand.secret_hash("bob")
        assert refused(stand, **given) == ("NotAuthorized", without)
        assert refused(stand, **given, SECRET_HASH=other) == ("NotAuthorized", wrong)
        right = stand.secret_hash("ada")
        result = begin(stand, **given, SECRET_HASH=right)["AuthenticationResult"]

        challenge = begin(stand, "USER_SRP_AUTH", USERNAME="ada", SRP_A=SRP_A, SECRET_HASH=right)
        proof = answers(challenge["ChallengeParameters"], stand.pool_id, PASSWORD, stand.people.now)
        assert not_taken(stand, "PASSWORD_VERIFIER", **proof) == ("NotAuthorized", without)
        assert respond(stand, "PASSWORD_VERIFIER", **proof, SECRET_HASH=right)["AuthenticationResult"]

        token = {"REFRESH_TOKEN": result["RefreshToken"]}
        flow = "REFRESH_TOKEN_AUTH"
        assert refused(stand, flow, **token) == ("NotAuthorized", without)
        assert refused(stand, flow, **token, SECRET_HASH=other) == ("NotAuthorized", wrong)
        assert begin(stand, flow, **token, SECRET_HASH=right)["AuthenticationResult"]["AccessToken"]


def test_unknown_clients_and_pools_are_told(stand: CognitoStand) -> None:
    given = {"AuthFlow": PASSWORDS, "AuthParameters": {"USERNAME": "ada", "PASSWORD": PASSWORD}}
    said = refusal(stand.public.initiate_auth, ClientId="nobodys", **given)
    assert said == ("ResourceNotFound", "User pool client nobodys does not exist.")
    nowhere = {"UserPoolId": "us-east-1_Nowhere01", "ClientId": stand.client_id}
    given["AuthFlow"] = "ADMIN_USER_PASSWORD_AUTH"
    said = refusal(stand.admin.admin_initiate_auth, **nowhere, **given)
    assert said == ("ResourceNotFound", "User pool us-east-1_Nowhere01 does not exist.")


def test_people_in_every_state_are_told_what_to_do_after_the_right_password(stand: CognitoStand) -> None:
    """B6: and nothing before."""
    people = stand.people
    people.sign_up.sign_up(
        people.pool,
        people.client,
        "new",
        PASSWORD,
        {"email": "new@example.com"},
        origin=ORIGIN,
        now=people.now,
    )
    add(stand, "forgetful")
    people.administration.reset_password(people.pool, "forgetful", now=people.now)
    add(stand, "gone")
    people.administration.disable(people.pool, "gone", now=people.now)
    told = {
        "new": ("UserNotConfirmed", "User is not confirmed."),
        "forgetful": ("PasswordResetRequired", "Password reset required for the user"),
        "gone": INCORRECT,  # Cognito says that the user is disabled
    }
    for name, said in told.items():
        assert refused(stand, USERNAME=name, PASSWORD="wrong one") == INCORRECT
        assert refused(stand, USERNAME=name, PASSWORD=PASSWORD) == said


def test_a_client_that_may_know_who_exists(tmp_path: Path) -> None:
    """Cognito's LEGACY; its twin hides them, as do all tests above."""
    with CognitoStand(tmp_path, client={"hides_users": False}) as stand:
        said = ("UserNotFound", "User does not exist.")
        assert refused(stand, USERNAME="nobody", PASSWORD=PASSWORD) == said
        assert refused(stand, "USER_SRP_AUTH", USERNAME="nobody", SRP_A=SRP_A) == said


def test_the_flow_of_a_declared_client_is_for_operators_too() -> None:
    """A client of the API says both; a file has one word for them."""
    from auth.cognito.actions.auth_flows import require_flow
    from auth.errors import InvalidParameter

    flow = "ADMIN_USER_PASSWORD_AUTH"
    require_flow(replace(API_CLIENT, source="file"), flow, by_operator=True)
    with pytest.raises(InvalidParameter, match="Auth flow not enabled"):
        require_flow(replace(API_CLIENT, source="api"), flow, by_operator=True)
