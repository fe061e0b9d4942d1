"""The engine's frames, however the network cuts them."""

from hypothesis import given
from hypothesis import strategies as st

from executor.drivers.docker.engine.frames import FrameReader


@given(
    payloads=st.lists(st.binary(max_size=40), max_size=8),
    cuts=st.lists(st.integers(min_value=1, max_value=17), min_size=1),
)
def test_any_cut_gives_the_same_output(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(
        bytes([1 + number % 2, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload
        for number, payload in enumerate(payloads)
    )
    reader, seen, at, turn = FrameReader(), b"", 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        seen += b"".join(reader.feed(stream[at : at + size]))
        at, turn = at + size, turn + 1
    assert seen == b"".join(payloads)


def test_half_a_head_is_kept() -> None:
    reader = FrameReader()
    assert reader.feed(b"\1\0\0\0\0") == []
    assert reader.feed(b"\0\0\2h") == [b"h"]
    assert reader.feed(b"i\1\0") == [b"i"]
