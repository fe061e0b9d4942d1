"""Refresh tokens by the Cognito API: used, rotated, used again, revoked; and signing out everywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cognito_stand import API_CLIENT, CognitoStand, refusal

REVOKED = ("NotAuthorized", "Refresh Token has been revoked")
REUSED = ("RefreshTokenReuse", "Refresh token has been reused.")
INVALID = ("NotAuthorized", "Invalid Refresh Token")


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[CognitoStand]:
    with CognitoStand(tmp_path) as stand:
        stand.people.add("ada")
        yield stand


@pytest.fixture
def rotating(tmp_path: Path) -> Iterator[CognitoStand]:
    with CognitoStand(tmp_path, client={"rotates_refresh": True}) as stand:
        stand.people.add("ada")
        yield stand


def by_initiate(stand: CognitoStand, token: str) -> Any:
    given = {"REFRESH_TOKEN": token}
    return stand.public.initiate_auth(
        ClientId=stand.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=given
    )["AuthenticationResult"]


def by_get(stand: CognitoStand, token: str, **more: str) -> Any:
    return stand.public.get_tokens_from_refresh_token(ClientId=stand.client_id, RefreshToken=token, **more)[
        "AuthenticationResult"
    ]


WAYS = pytest.mark.parametrize("use", [by_initiate, by_get])


def refused(use: Any, stand: CognitoStand, token: str) -> tuple[str, str]:
    return refusal(lambda **_: use(stand, token))


@WAYS
def test_a_refresh_gives_tokens_and_keeps_its_own(stand: CognitoStand, use: Any) -> None:
    token = stand.sign_in()["AuthenticationResult"]["RefreshToken"]
    for _ in range(2):
        result = use(stand, token)
        assert set(result) == {"AccessToken", "ExpiresIn", "TokenType", "IdToken"}
        assert stand.public.get_user(AccessToken=result["AccessToken"])["Username"] == "ada"


@WAYS
def test_a_client_that_rotates_gets_another_one(rotating: CognitoStand, use: Any) -> None:
    """A7"""
    first = rotating.sign_in()["AuthenticationResult"]["RefreshToken"]
    second = use(rotating, first)["RefreshToken"]
    assert second != first
    assert use(rotating, first)["RefreshToken"] == second  # the answer was lost: the same one again
    assert use(rotating, second)["RefreshToken"] not in (first, second)


@pytest.mark.parametrize(("use", "said"), [(by_initiate, REVOKED), (by_get, REUSED)])
def test_a_token_that_comes_again_after_the_grace_ends_the_sign_in(
    rotating: CognitoStand, use: Any, said: tuple[str, str]
) -> None:
    """A7: and so does its successor. Twin: within the grace, above."""
    first = rotating.sign_in()["AuthenticationResult"]["RefreshToken"]
    result = use(rotating, first)
    rotating.people.clock.move(11)
    assert refused(use, rotating, first) == said
    assert refused(use, rotating, result["RefreshToken"]) == REVOKED
    access = refusal(rotating.public.get_user, AccessToken=result["AccessToken"])
    assert access == ("NotAuthorized", "Access Token has been revoked")
    assert ("token_reused", "refused") in rotating.people.audited()


@WAYS
def test_what_is_no_token_of_this_client(stand: CognitoStand, use: Any) -> None:
    """A8"""
    tokens = stand.sign_in()["AuthenticationResult"]
    for bad in ("garbage", tokens["AccessToken"], tokens["RefreshToken"][:-2] + "xx"):
        assert refused(use, stand, bad) == INVALID


@WAYS
def test_a_token_has_its_end(stand: CognitoStand, use: Any) -> None:
    token = stand.sign_in()["AuthenticationResult"]["RefreshToken"]
    stand.people.clock.move(30 * 86400 - 60)
    use(stand, token)
    stand.people.clock.move(120)
    assert refused(use, stand, token) == ("NotAuthorized", "Refresh Token has expired")


@WAYS
@pytest.mark.parametrize("end", ["sign_out", "disable"])
def test_sessions_that_were_ended_refresh_nothing(stand: CognitoStand, use: Any, end: str) -> None:
    """A8"""
    token = stand.sign_in()["AuthenticationResult"]["RefreshToken"]
    stand.people.clock.move(1)
    getattr(stand.people.administration, end)(stand.people.pool, "ada", now=stand.people.now)
    assert refused(use, stand, token) == REVOKED


def test_global_sign_out_ends_everything(stand: CognitoStand) -> None:
    """A8"""
    here, there = (stand.sign_in()["AuthenticationResult"] for _ in range(2))
    assert stand.public.global_sign_out(AccessToken=here["AccessToken"])["ResponseMetadata"]
    for tokens in (here, there):
        assert refused(by_get, stand, tokens["RefreshToken"]) == REVOKED
        gone = refusal(stand.public.get_user, AccessToken=tokens["AccessToken"])
        assert gone == ("NotAuthorized", "Access Token has been revoked")
    stand.people.clock.move(1)
    assert stand.sign_in()["AuthenticationResult"]


def test_a_revoked_token_takes_its_access_tokens_with_it(stand: CognitoStand) -> None:
    """A9: and no others."""
    mine, other = (stand.sign_in()["AuthenticationResult"] for _ in range(2))
    for _ in range(2):  # the second time it is unknown, which is answered alike
        stand.public.revoke_token(ClientId=stand.client_id, Token=mine["RefreshToken"])
    assert refused(by_get, stand, mine["RefreshToken"]) == REVOKED
    gone = refusal(stand.public.get_user, AccessToken=mine["AccessToken"])
    assert gone == ("NotAuthorized", "Access Token has been revoked")
    assert stand.public.get_user(AccessToken=other["AccessToken"])["Username"] == "ada"
    assert ("token_revoked", "ok") in stand.people.audited()


def test_what_cannot_be_revoked(stand: CognitoStand) -> None:
    tokens = stand.sign_in()["AuthenticationResult"]
    revoke = stand.public.revoke_token
    kind, _ = refusal(revoke, ClientId=stand.client_id, Token=tokens["AccessToken"])
    assert kind == "UnsupportedTokenType"
    said = refusal(revoke, ClientId="nobodys", Token=tokens["RefreshToken"])
    assert said == ("InvalidParameter", "User pool client nobodys does not exist.")
    revoke(ClientId=stand.client_id, Token="garbage")
    assert by_get(stand, tokens["RefreshToken"])


def test_a_client_with_a_secret_sends_it(tmp_path: Path) -> None:
    """A17"""
    with CognitoStand(tmp_path, client={"has_secret": True}) as stand:
        stand.people.add("ada")
        token = stand.sign_in(SECRET_HASH=stand.secret_hash("ada"))["AuthenticationResult"]["RefreshToken"]
        get, revoke = stand.public.get_tokens_from_refresh_token, stand.public.revoke_token
        wrong = "w" * 52
        for more in ({}, {"ClientSecret": wrong}):
            asked = {"ClientId": stand.client_id, **more}
            assert refusal(get, RefreshToken=token, **asked)[0] == "NotAuthorized"
            assert refusal(revoke, Token=token, **asked)[0] == "Unauthorized"
        right = {"ClientId": stand.client_id, "ClientSecret": stand.secret}
        assert get(RefreshToken=token, **right)["AuthenticationResult"]["AccessToken"]
        revoke(Token=token, **right)
        assert refusal(get, RefreshToken=token, **right) == REVOKED


def test_a_client_without_the_flow_refreshes_nothing(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, client={"flows": API_CLIENT.flows - {"refresh"}}) as stand:
        stand.people.add("ada")
        token = stand.sign_in()["AuthenticationResult"]["RefreshToken"]
        said = ("InvalidParameter", "REFRESH_TOKEN_AUTH flow not enabled for this client")
        for use in (by_initiate, by_get):
            assert refused(use, stand, token) == said


def test_no_device_exists(stand: CognitoStand) -> None:
    token = stand.sign_in()["AuthenticationResult"]["RefreshToken"]
    said = refusal(
        stand.public.get_tokens_from_refresh_token,
        ClientId=stand.client_id,
        RefreshToken=token,
        DeviceKey="us-east-1_01234567-89ab-cdef-0123-456789abcdef",
    )
    assert said == ("ResourceNotFound", "Device does not exist.")
