"""Bodies that no client sends, to each public action: the answer is one of the protocol's, never a fault of ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from auth.cognito import model
from auth.cognito.catalog import built
from tests.support.cognito_model import answer_problems, operation
from tests.support.cognito_stand import CognitoStand

EXAMPLES = 40  # of each action
ACTIONS = sorted(model.PUBLIC & set(built()))

_texts = st.text(max_size=8) | st.sampled_from(
    ["ada", "", " ", "000000", "e30.e30.e30", "\0", "\u202e", "a" * 3000]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoStand]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    with CognitoStand(folder) as stand:
        stand.people.add()
        yield stand


def bodies(stand: CognitoStand, action: str) -> st.SearchStrategy[dict[str, Any]]:
    """Members of the model, most of them of the right type: what is checked behind the shapes is met, too."""
    shape = operation(action).input_shape
    known = {"ClientId": st.just(stand.client_id), "Username": st.just("ada") | _texts}
    members = {
        name: known[name] if name in known else _of(member) | _values
        for name, member in shape.members.items()
    }
    needed = {name: members.pop(name) for name in shape.required_members}
    return st.fixed_dictionaries(needed, optional=members) | st.dictionaries(_texts, _values, max_size=3)


def _of(shape: Any) -> st.SearchStrategy[Any]:
    if shape.type_name == "structure":
        return st.fixed_dictionaries({}, optional={name: _of(one) for name, one in shape.members.items()})
    if shape.type_name == "list":
        return st.lists(_of(shape.member), max_size=2)
    if shape.type_name == "map":
        return st.dictionaries(_texts, _texts, max_size=3)
    if shape.type_name == "string":
        return st.sampled_from(shape.enum) if getattr(shape, "enum", None) else _texts
    return st.booleans() if shape.type_name == "boolean" else st.integers()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("action", ACTIONS)
def test_whatever_is_sent_the_answer_is_of_the_protocol(stand: CognitoStand, action: str) -> None:
    """L1: and nobody is let in by it."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(body=bodies(stand, action))
    def ask(body: dict[str, Any]) -> None:
        status, _, answer = stand.post(action, body)
        told = orjson.loads(answer) if answer else None
        assert status in (200, 400), (status, told)
        assert answer_problems(action, status, told) == []
        assert "AuthenticationResult" not in (told or {})

    ask()
