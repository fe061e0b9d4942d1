import pytest

from gateway.errors import DeploymentError
from gateway.selection import Selection
from kit.jwt.algorithms import ES_FAMILY, PS_FAMILY, RS_FAMILY
from tests.support.jwt_world import spec


@pytest.mark.parametrize(
    "algorithms",
    [
        (),
        ("RS256", "PS256"),
        ("RS256", "ES256"),
        ("RS256", "HS256"),
        ("HS256",),
        ("HS256", "HS384"),
        ("none",),
        ("RS256", "none"),
        ("EdDSA",),
        ("ES256K",),
        ("rs256",),
    ],
)
def test_algorithms_are_of_one_family(algorithms: tuple[str, ...]) -> None:
    """J1: no mixture, no secret, no none."""
    with pytest.raises(DeploymentError, match="algorithms must be some of"):
        spec(algorithms=algorithms)


@pytest.mark.parametrize("algorithms", [RS_FAMILY, PS_FAMILY, ES_FAMILY, ("RS512",), ("ES384", "ES256")])
def test_part_of_a_family_is_good(algorithms: tuple[str, ...]) -> None:
    """J1."""
    assert spec(algorithms=algorithms).issuer.algorithms == algorithms


@pytest.mark.parametrize("audience", [(), ("",), ("a", "")])
def test_an_audience_is_needed(audience: tuple[str, ...]) -> None:
    """J11."""
    with pytest.raises(DeploymentError, match="audience"):
        spec(audience=audience)
    assert spec(audience=("a",)).audience == {"a"}


def test_leeway_is_a_minute_at_most() -> None:
    """J9."""
    for leeway_s in (-1, 61):
        with pytest.raises(DeploymentError, match="leeway"):
            spec(leeway_s=leeway_s)
    assert spec(leeway_s=60).leeway_s == 60


def test_a_token_is_in_a_header_or_the_query() -> None:
    """J14."""
    for text in ("$context.requestId", "$stageVariables.token"):
        with pytest.raises(DeploymentError, match="header or the query"):
            spec(identity_source=Selection.parse(text))
    spec(identity_source=Selection.parse("$request.querystring.token"))


def test_equal_ones_are_the_same_key() -> None:
    assert spec() == spec()
    assert hash(spec()) == hash(spec())
    assert spec() != spec(leeway_s=1)
