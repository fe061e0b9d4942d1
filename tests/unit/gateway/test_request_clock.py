import pytest

from gateway.request_clock import RequestClock, format_clf


@pytest.mark.parametrize(
    ("epoch_s", "text"),
    [
        (0, "01/Jan/1970:00:00:00 +0000"),
        (1_587_481_701, "21/Apr/2020:15:08:21 +0000"),
        (1_783_711_145, "10/Jul/2026:19:19:05 +0000"),
    ],
)
def test_common_log_format(epoch_s: int, text: str) -> None:
    assert format_clf(epoch_s) == text


def test_text_follows_the_clock_also_backwards() -> None:
    now = [1_999_999_999]
    clock = RequestClock(lambda: now[0])
    assert clock.now() == (1999, "01/Jan/1970:00:00:01 +0000")
    now[0] = 2_000_000_000
    assert clock.now() == (2000, "01/Jan/1970:00:00:02 +0000")
    now[0] = 0
    assert clock.now() == (0, "01/Jan/1970:00:00:00 +0000")
