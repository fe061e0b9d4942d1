import pytest

from gateway.errors import DeploymentError, NotFound
from gateway.stage import Stage, StageSet

DEFAULT = Stage()
PROD = Stage(name="prod", variables={"table": "notes"})


@pytest.mark.parametrize(
    ("stages", "segments", "stage", "rest"),
    [
        pytest.param([DEFAULT], ["items"], DEFAULT, ["items"], id="default-has-no-prefix"),
        pytest.param([DEFAULT, PROD], ["prod", "items"], PROD, ["items"], id="named"),
        pytest.param([DEFAULT, PROD], ["items"], DEFAULT, ["items"], id="default-beside-named"),
        pytest.param([PROD], ["prod"], PROD, [], id="name-only"),
        pytest.param([DEFAULT, PROD], ["Prod"], DEFAULT, ["Prod"], id="case-counts"),
        pytest.param(
            [DEFAULT], ["$default", "x"], DEFAULT, ["$default", "x"], id="default-is-never-a-prefix"
        ),
    ],
)
def test_stage_is_chosen_by_first_segment(
    stages: list[Stage], segments: list[str], stage: Stage, rest: list[str]
) -> None:
    assert StageSet(stages).select(segments) == (stage, rest)


def test_no_stage_matches() -> None:
    with pytest.raises(NotFound):
        StageSet([PROD]).select(["items"])


@pytest.mark.parametrize(
    "stages", [[], [DEFAULT, DEFAULT], [PROD, PROD], [Stage(name="a/b")], [Stage(name="")]]
)
def test_stages_that_cannot_be_are_refused(stages: list[Stage]) -> None:
    with pytest.raises(DeploymentError):
        StageSet(stages)
