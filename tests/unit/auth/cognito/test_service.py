"""The JSON protocol, by boto3 and by bytes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cognito_site import CognitoSite, refusal


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoSite]:
    with CognitoSite(tmp_path_factory.mktemp("site")) as site:
        site.people.add()
        yield site


def test_boto3_gets_an_answer(site: CognitoSite) -> None:
    answer: Any = site.public.get_user(AccessToken=site.access_token())
    assert answer["Username"] == "ada"
    names = {each["Name"]: each["Value"] for each in answer["UserAttributes"]}
    assert names == {
        "sub": site.people.user().sub,
        "email": "ada@example.com",
        "email_verified": "true",
    }


def test_a_wrong_token_is_refused_in_cognitos_words(site: CognitoSite) -> None:
    assert refusal(site.public.get_user, AccessToken="a.b.c") == ("NotAuthorized", "Invalid Access Token")
