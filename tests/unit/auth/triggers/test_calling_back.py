"""A function that calls the API while the sign-in that asked it waits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from auth.cognito.asking import ASKING
from auth.cognito.catalog import catalog
from tests.support.cognito_stand import CognitoStand
from tests.support.trigger_functions import Event, TriggerFunctions
from tests.support.user_pool import PASSWORD

THREADS = 4  # of the stand's lane


def test_functions_call_back_while_every_thread_of_their_pool_waits_for_one(tmp_path: Path) -> None:
    """All threads of the pool's lane are in a trigger at once, and each trigger asks the API twice."""
    together = threading.Barrier(THREADS)
    stand: CognitoStand

    def before(event: Event) -> Event:
        together.wait(10)
        stand.admin.admin_get_user(UserPoolId=stand.pool_id, Username=event["userName"])
        stand.public.get_user(AccessToken=token)
        return event

    functions = TriggerFunctions(post_authentication=before)
    with (
        functions,
        CognitoStand(
            tmp_path,
            foundation={"triggers": functions.triggers},
            triggers={"post_authentication": "post_authentication"},
        ) as stand,
    ):
        stand.people.add()
        token = stand.access_token()
        with ThreadPoolExecutor(THREADS) as people:
            answers = list(people.map(lambda _: stand.sign_in(password=PASSWORD), range(THREADS)))
        assert all("AccessToken" in each["AuthenticationResult"] for each in answers)


def test_a_function_that_brings_its_own_trigger_about_is_answered(tmp_path: Path) -> None:
    """PostConfirmation makes another user, whose PreSignUp is asked within it."""
    stand: CognitoStand

    def after(event: Event) -> Event:
        stand.admin.admin_create_user(UserPoolId=stand.pool_id, Username="bob", MessageAction="SUPPRESS")
        return event

    def before(event: Event) -> Event:
        return {**event, "response": {**event["response"], "autoConfirmUser": True}}

    functions = TriggerFunctions(pre_sign_up=before, post_confirmation=after)
    with (
        functions,
        CognitoStand(
            tmp_path,
            foundation={"triggers": functions.triggers},
            triggers={name: name for name in functions.handlers},
        ) as stand,
    ):
        stand.public.sign_up(ClientId=stand.client_id, Username="ada", Password=PASSWORD)
        assert functions.sources() == [
            "PreSignUp_SignUp",
            "PostConfirmation_ConfirmSignUp",
            "PreSignUp_AdminCreateUser",
        ]
        assert stand.people.user("bob").status == "FORCE_CHANGE_PASSWORD"


def test_only_actions_that_exist_are_named() -> None:
    assert catalog().keys() >= ASKING
