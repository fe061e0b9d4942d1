from base64 import b64decode

from hypothesis import given
from hypothesis import strategies as st

from executor.logs.tail import TailBuffer


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=30)), st.integers(1, 50))
def test_tail_is_the_end_of_the_whole_log(lines: list[str], limit: int) -> None:
    tail = TailBuffer(limit)
    for line in lines:
        tail.add(line)

    assert tail.text() == "".join(f"{line}\n" for line in lines).encode()[-limit:]


def test_half_a_character_is_left_out() -> None:
    tail = TailBuffer(4)
    tail.add("ab€")

    assert tail.text() == "€\n".encode()
    tail.add("x")
    assert tail.text() == b"\nx\n"


def test_memory_is_bounded() -> None:
    tail = TailBuffer()
    for _ in range(100):
        tail.add("x" * 100_000)

    assert sum(map(len, tail._lines)) <= 2 * 4097


def test_base64_is_of_the_text() -> None:
    tail = TailBuffer()
    tail.add("hello")

    assert b64decode(tail.base64()) == b"hello\n"
