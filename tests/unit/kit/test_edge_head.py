"""The pure rules of a request head."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.edge_head import (
    HOP_BY_HOP,
    PLAIN_NAMES,
    HeadRefusedError,
    content_length,
    is_valid_host,
    split_target,
    without_named,
)
from kit.edge_limits import EdgeLimits
from kit.edge_watch import WriteWatch


@given(st.binary(max_size=40))
def test_host_never_holds_what_could_be_taken_for_more(host: bytes) -> None:
    if is_valid_host(host):
        assert host.isascii()
        assert not set(host) & set(b" \t\r\n\0/@?#,\\<>\"'")


@given(st.binary(max_size=60))
def test_target_is_split_without_loss_or_refused(target: bytes) -> None:
    try:
        path, query = split_target(target, b"a.example")
    except HeadRefusedError:
        return
    assert path.startswith(b"/")
    assert target.endswith(path + (b"?" + query if b"?" in target else b"")) or path == b"/"


@given(st.binary(max_size=25))
def test_content_length_is_digits_only(value: bytes) -> None:
    try:
        number = content_length(value)
    except HeadRefusedError:
        assert not value.isdigit() or len(value) > 18
    else:
        assert number == int(value)


def test_host_that_ends_in_a_line_break_is_refused() -> None:
    assert not is_valid_host(b"a.example\n")


def test_named_fields_go_and_protected_ones_stay() -> None:
    fields = [(b"x-a", b"1"), (b"authorization", b"2"), (b"x-forwarded-proto", b"3"), (b"x-b", b"4")]
    named = b"X-A, authorization ,X-Forwarded-Proto,, close"
    assert without_named(fields, named) == [fields[1], fields[2], fields[3]]


@pytest.mark.parametrize(
    ("sizes", "stalled"),
    [
        pytest.param([(0, 0), (40, 0)], False, id="nothing-to-send"),
        pytest.param([(0, 90_000), (29, 90_000)], False, id="not-yet"),
        pytest.param([(0, 90_000), (30, 90_000)], True, id="nothing-moved"),
        pytest.param([(0, 90_000), (30, 75_001)], True, id="less-than-the-rate"),
        pytest.param([(0, 90_000), (30, 75_000), (59, 75_000)], False, id="slow-but-moving"),
        pytest.param([(0, 90_000), (30, 75_000), (60, 75_000)], True, id="moved-then-stopped"),
        pytest.param([(0, 9_000), (29, 9_001), (58, 9_001)], False, id="new-bytes-open-a-new-window"),
        pytest.param([(0, 9_000), (29, 0), (31, 9_000)], False, id="empty-in-between"),
    ],
)
def test_write_watch(sizes: list[tuple[float, int]], stalled: bool) -> None:
    watch = WriteWatch(EdgeLimits())
    verdicts = [watch.is_stalled(size, now) for now, size in sizes]
    assert verdicts[-1] is stalled
    assert not any(verdicts[:-1])


def test_names_that_pass_unchecked_need_no_check() -> None:
    for spelling, name in PLAIN_NAMES.items():
        assert spelling.lower() == name
        assert b"_" not in name
    assert not HOP_BY_HOP & set(PLAIN_NAMES.values())
    assert not {b"host", b"content-length"} & set(PLAIN_NAMES.values())
