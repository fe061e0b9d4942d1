from executor.logs.rate import RateCap


def test_burst_then_rate() -> None:
    cap = RateCap(0.0, rate_bytes_s=10, burst_bytes=100)

    assert cap.take(100, 0.0)
    assert not cap.take(1, 0.0)
    assert not cap.take(11, 1.0)
    assert cap.take(10, 1.0)


def test_rest_does_not_add_up_beyond_the_burst() -> None:
    cap = RateCap(0.0, rate_bytes_s=10, burst_bytes=100)

    assert not cap.take(101, 1000.0)
    assert cap.take(100, 1000.0)


def test_refused_bytes_cost_nothing() -> None:
    cap = RateCap(0.0, rate_bytes_s=10, burst_bytes=100)

    assert not cap.take(1000, 0.0)
    assert cap.take(100, 0.0)
