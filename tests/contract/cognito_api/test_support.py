"""Every action that Cognito has: what is built does what the model says, what is not says so; the table in docs/."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from botocore.exceptions import ClientError

from auth.cognito import model
from auth.cognito.catalog import built
from tests.contract.cognito_api.support_table import PAGE, render
from tests.support.cognito_model import service
from tests.support.cognito_proofs.every import PLAIN, PROOFS
from tests.support.cognito_stand import CognitoStand
from tests.support.cognito_trial import Clients, Trial, minimal, open_stand

BUILT = sorted(built())
NOT_BUILT = sorted(model.ACTIONS - set(BUILT))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CognitoStand, Clients]]:
    with ExitStack() as held:
        yield open_stand(tmp_path_factory.mktemp("support"), held)


def test_every_action_is_known() -> None:
    assert frozenset(service().operation_names) == model.ACTIONS


def test_everything_built_has_a_proof_and_nothing_else() -> None:
    assert sorted([*PROOFS, *PLAIN]) == BUILT


@pytest.mark.parametrize("action", sorted(PROOFS))
def test_built_action_does_what_another_one_shows(world: tuple[CognitoStand, Clients], action: str) -> None:
    """One valid call, its effect by another action, one invalid call; all that is said fits botocore's model."""
    trial = Trial(*world, action)
    PROOFS[action](trial)
    assert trial.is_proven


@pytest.mark.parametrize("action", sorted(PLAIN))
def test_action_without_effect_answers_as_a_pool_without_such_things(
    world: tuple[CognitoStand, Clients], action: str
) -> None:
    trial = Trial(*world, action)
    PLAIN[action][0](trial)
    assert trial.was_refused


@pytest.mark.parametrize("action", NOT_BUILT)
def test_other_action_says_that_it_is_not_there(world: tuple[CognitoStand, Clients], action: str) -> None:
    with pytest.raises(ClientError) as refused:
        world[1].call(action, minimal(action, world[0].pool_id))
    said = refused.value.response["Error"]
    assert said["Code"] == "UnsupportedOperationException"
    assert said["Message"].startswith(f"{action} is not supported here. ")
    assert len(said["Message"]) > len(f"{action} is not supported here. ")


def test_table_in_docs_is_what_was_proven(world: tuple[CognitoStand, Clients]) -> None:
    """Written by: python -m tests.contract.cognito_api.support_table"""
    assert PAGE.read_text() == render(*world)
