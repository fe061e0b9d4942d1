"""Published sample events: each is turned back into its request, sent, and must come out the same."""

import pytest

from gateway.exchange import ApiNames, Authorization, Exchange
from gateway.integrations.function import FunctionTarget
from gateway.stage import Stage
from tests.support import gateway_harness
from tests.support.aws_samples import FOLDER, NOT_HTTP_API, Sample, samples, without

SAMPLES = samples()


class SampleAuthorizer:
    """Lets everything pass with the authorizer member of a sample."""

    def __init__(self, sample: Sample) -> None:
        self._found = sample.authorizer

    async def authorize(self, exchange: Exchange) -> Authorization:
        assert self._found is not None
        return Authorization(v2=self._found, v1=self._found)


async def _event_of(sample: Sample) -> dict[str, object]:
    harness = gateway_harness.build(
        {sample.route_key: FunctionTarget(function="echo", payload_version=sample.payload_version)},
        names=ApiNames(account_id=sample.account_id, api_id=sample.api_id, region="us-east-1"),
        stages=[Stage(name=sample.stage, variables=sample.stage_variables)],
        authorizer=None if sample.authorizer is None else SampleAuthorizer(sample),
        time_ns=lambda: sample.epoch_ms * 1_000_000,
        entropy=lambda size: sample.random[:size],
    )
    received = await harness.request(
        sample.method, sample.target, headers=sample.headers, body=sample.body, peer=sample.peer
    )
    assert received.status == 200
    return harness.invoker.event


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_sample_event_is_rebuilt_from_its_request(sample: Sample) -> None:
    event = await _event_of(sample)
    ignored = list(sample.ignored)
    assert without(event, ignored) == without(sample.expected, ignored)


async def test_recorded_event_differs_in_mutual_tls_only() -> None:
    [sample] = [sample for sample in SAMPLES if sample.name.endswith("v2-request-no-authorizer.json")]
    assert set(sample.ignored) == {"requestContext.authentication"}


def test_all_usable_samples_are_used() -> None:
    assert len(SAMPLES) == 20
    assert all((FOLDER / name).is_file() for name in NOT_HTTP_API)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_what_is_ignored_is_a_small_part(sample: Sample) -> None:
    """The comparison means something: most members of a sample are compared."""
    kept = without(sample.expected, list(sample.ignored))
    for member in ("headers", "requestContext", "stageVariables", "isBase64Encoded"):
        if member in sample.expected and member not in sample.ignored:
            assert member in kept
    assert len(kept["requestContext"]) >= 6
