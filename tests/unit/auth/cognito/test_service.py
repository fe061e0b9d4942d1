"""The JSON protocol, by boto3 and by bytes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cognito_stand import CognitoStand, refusal


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoStand]:
    with CognitoStand(tmp_path_factory.mktemp("stand")) as stand:
        stand.people.add()
        yield stand


def test_boto3_gets_an_answer(stand: CognitoStand) -> None:
    answer: Any = stand.public.get_user(AccessToken=stand.access_token())
    assert answer["Username"] == "ada"
    names = {each["Name"]: each["Value"] for each in answer["UserAttributes"]}
    assert names == {
        "sub": stand.people.user().sub,
        "email": "ada@example.com",
        "email_verified": "true",
    }


def test_a_wrong_token_is_refused_in_cognitos_words(stand: CognitoStand) -> None:
    assert refusal(stand.public.get_user, AccessToken="a.b.c") == ("NotAuthorized", "Invalid Access Token")
