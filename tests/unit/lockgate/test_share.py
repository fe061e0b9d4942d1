"""What each of several gateways may let through, so that all together let through what the file says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.config.grammar.throttle import Throttle
from lockgate.door import WHOLE, Share, throttle_spec


@given(burst=st.integers(1, 10_000), of=st.integers(1, 64), rate=st.floats(0.01, 1e6))
def test_shares_make_the_whole(burst: int, of: int, rate: float) -> None:
    throttle = Throttle.model_validate({"rate": rate, "burst": burst})
    specs = [throttle_spec(throttle, Share(index=index, of=of)) for index in range(of)]
    assert sum(spec.burst for spec in specs) == max(burst, of)
    assert sum(spec.rate for spec in specs) == pytest.approx(rate)
    assert min(spec.burst for spec in specs) >= 1


def test_one_process_has_all_of_it() -> None:
    throttle = Throttle.model_validate({"rate": 5, "burst": 7})
    assert (throttle_spec(throttle).rate, throttle_spec(throttle, WHOLE).burst) == (5, 7)
