"""Calls and answers survive the wire, whatever is in them; what is not one of ours does not."""

from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import remote_wire as wire
from kit.invoke import InvokeAnswer, InvokeCall, InvokeTimes

LINE = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60
).map(lambda text: "".join(c for c in text if not "\x80" <= c <= "\x9f").strip())
WORD = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable() and len(text.encode()) < 200)
NUMBER = st.integers(0, 10**12)


class Parsed:
    """What a strict parser makes of bytes."""

    def __init__(self, raw: bytes, parser: Any) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = False
        self.parser = parser(self)
        self.parser.feed_data(raw)
        assert self.complete

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))

    def on_body(self, chunk: bytes) -> None:
        self.body += chunk

    def on_message_complete(self) -> None:
        self.complete = True


def crossed(call: InvokeCall, generation: int | None = None) -> tuple[InvokeCall, int | None]:
    head = wire.call_head(
        call, budget_ms=call.budget_ms, generation=wire.generation_line(generation), length=len(call.payload)
    )
    parsed = Parsed(head + call.payload, httptools.HttpRequestParser)
    fields = dict(parsed.fields)
    return wire.read_call(parsed.target, fields, parsed.body), wire.read_generation(fields)


def answered(answer: InvokeAnswer) -> InvokeAnswer | str:
    parsed = Parsed(wire.answer_head(answer) + answer.payload, httptools.HttpResponseParser)
    return wire.read_answer(parsed.parser.get_status_code(), parsed.fields, parsed.body)


CALLS = st.builds(
    InvokeCall,
    function=WORD,
    payload=st.binary(max_size=100),
    budget_ms=NUMBER,
    trace=LINE,
    qualifier=st.none() | WORD,
    kind=st.sampled_from(["RequestResponse", "Event", "DryRun"]),
    headers=st.dictionaries(st.sampled_from(["x-amz-client-context", "x-amz-log-type"]), LINE),
)


@given(CALLS, st.none() | NUMBER)
def test_call_arrives_as_it_was(call: InvokeCall, generation: int | None) -> None:
    assert crossed(call, generation) == (call, generation)


@given(
    st.builds(
        InvokeAnswer,
        status=st.sampled_from([200, 202, 400, 404, 413, 429, 500, 503]),
        headers=st.dictionaries(
            st.sampled_from(["x-amzn-requestid", "x-amz-log-result", "retry-after"]), LINE
        ),
        payload=st.binary(max_size=100),
        times=st.none()
        | st.builds(InvokeTimes, queue_us=NUMBER, start_us=NUMBER, init_us=NUMBER, handler_us=NUMBER),
    )
)
def test_answer_arrives_as_it_was(answer: InvokeAnswer) -> None:
    assert answered(answer) == answer


def test_answer_without_content_has_no_body() -> None:
    answer = InvokeAnswer(status=204, headers={"x-amzn-requestid": "1"}, payload=b"")
    assert answered(answer) == answer
    assert b"content-length" not in wire.answer_head(answer)


@pytest.mark.parametrize(
    "changes",
    [
        {"trace": "Root=1\r\nlockgate-generation: 9"},
        {"trace": "€"},
        {"headers": {"x-amz-client-context": "a\nb"}},
        {"kind": "Dry\r\nRun"},
    ],
    ids=str,
)
def test_value_that_would_leave_its_line_is_not_sent(changes: dict[str, Any]) -> None:
    values = {"function": "f", "payload": b"", "budget_ms": 1, "trace": "t"}
    crossed(InvokeCall(**values))
    with pytest.raises(ValueError, match="characters"):
        crossed(InvokeCall(**(values | changes)))


def test_names_cannot_leave_their_place_in_the_target() -> None:
    call = InvokeCall(function="a/b?Qualifier=x", payload=b"", budget_ms=1, trace="", qualifier="x&y=z#")
    assert crossed(call)[0] == call


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/2015-03-31/functions//invocations",
        b"/2015-03-31/functions/f/invocations/",
        b"/2015-03-31/functions/f/invocations?Other=1",
        b"/2015-03-31/functions/f/invocations?Qualifier=1&x=2",
        b"/2015-03-31/functions/f/code",
        b"/2015-03-31/functions/%ff/invocations",
        b"/2015-03-31/functions/" + b"f" * 1025 + b"/invocations",
    ],
)
def test_other_target_is_no_call(target: bytes) -> None:
    assert wire.read_target(b"/2015-03-31/functions/f/invocations?Qualifier=1") == ("f", "1")
    with pytest.raises(wire.WireError):
        wire.read_target(target)


@pytest.mark.parametrize("value", [b"", b"-1", b"1.5", b"1" * 16, b"x"])
def test_budget_and_generation_are_numbers(value: bytes) -> None:
    target = b"/2015-03-31/functions/f/invocations"
    with pytest.raises(wire.WireError):
        wire.read_call(target, {wire.BUDGET_FIELD: value}, b"")
    with pytest.raises(wire.WireError):
        wire.read_generation({wire.GENERATION_FIELD: value})
    assert wire.read_call(target, {wire.BUDGET_FIELD: b"15"}, b"").budget_ms == 15


def test_outcome_is_no_answer() -> None:
    parsed = Parsed(wire.no_answer(503, wire.NOT_RUN), httptools.HttpResponseParser)
    assert wire.read_answer(503, parsed.fields, b"") == wire.NOT_RUN


@pytest.mark.parametrize("value", [b"1,2,3", b"1,2,3,x", b""])
def test_times_that_cannot_be_read_are_an_error(value: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.read_answer(200, [(wire.TIMES_FIELD, value)], b"")
