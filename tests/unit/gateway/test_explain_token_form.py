"""`gateway.explain.token_form` and `.moments`: what is wrong with a token, and times in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.explain.moments import duration, moment, relative
from gateway.explain.token_form import read_form
from tests.support.jwt_world import NOW_S, b64, claims, compact, make_token, rsa_key

GOOD = make_token()
HEAD, PAYLOAD, SIGNATURE = GOOD.split(".")


def test_a_good_token() -> None:
    form = read_form(GOOD)
    assert form.header == {"alg": "RS256", "kid": "a", "typ": "JWT"}
    assert form.claims == claims()
    assert (form.segments, form.signature_bytes, form.faults, form.refusal) == (3, 256, (), None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("opaque", "it has 1 segment instead of three: no dot in it, as an opaque token has"),
        (
            f"{HEAD}.{PAYLOAD}",
            "it has 2 segments instead of three: the signature is missing, or it was cut off",
        ),
        (f"{GOOD}.{HEAD}.{HEAD}", "it has 5 segments instead of three: an encrypted token (JWE)"),
        (f"{HEAD}..{SIGNATURE}", "payload: it is empty"),
        (f"{HEAD}.{PAYLOAD}.", "signature: it is empty"),
        (
            f"{HEAD}.{PAYLOAD}.{SIGNATURE}==",
            "signature: it ends with =, and base64url in a token has no padding",
        ),
        (f"{HEAD}.{PAYLOAD}.+/AA", "signature: it has + or /, which are base64's; base64url has - and _"),
        (
            f"{HEAD[:5]}\n{HEAD[5:]}.{PAYLOAD}.{SIGNATURE}",
            "header: it has a blank or a line break at character 6",
        ),
        (f"{HEAD}.{PAYLOAD}.A\x00AA", "signature: it has a control character at character 2"),
        (f"{HEAD}.{PAYLOAD}.é", "signature: it has a character beyond ASCII at character 1"),
        (f"{HEAD}.{PAYLOAD}.A'AA", "signature: it has a character that base64url has not at character 2"),
        (f"{HEAD}.{PAYLOAD}.AAAAA", "signature: it has 5 characters, a length that base64url never has"),
        (f"{HEAD}.{PAYLOAD}.AB", "signature: its last character has bits left over"),
        (f'"{GOOD}"', "it is in quotes"),
        ('{"payload": ""}', "it begins with {: the JSON form of a JWS"),
        (f"{HEAD}.{b64(b'[]')}.AAAA", "payload: it is not a JSON object"),
        (f"{HEAD}.{b64(b'nonsense')}.AAAA", "payload: it is not JSON"),
        (f"{HEAD}.{b64(bytes([255, 254]))}.AAAA", "payload: it is not UTF-8"),
        ("a" * 9000, "it has 9,000 characters, 8,192 are the most"),
    ],
)
def test_what_is_wrong_is_said_exactly(text: str, fault: str) -> None:
    """J6, J7, J8."""
    form = read_form(text)
    assert any(each.startswith(fault) for each in form.faults), form.faults
    assert form.refusal is not None


def test_what_can_be_read_is_shown_all_the_same() -> None:
    form = read_form(f"{HEAD}==.{PAYLOAD}.")
    assert (form.header, form.claims) == ({"alg": "RS256", "kid": "a", "typ": "JWT"}, claims())
    double = compact(rsa_key(), b'{"alg":"RS256","kid":"a"}', b'{"sub":"a","sub":"b"}')
    assert read_form(double).claims == {"sub": "b"}
    assert read_form(double).faults == ("payload: an object has two members of one name",)


def test_a_header_that_no_gateway_takes_is_named() -> None:
    form = read_form(make_token(head={"alg": "none", "kid": "a", "crit": ["x"]}))
    assert form.faults == ()
    assert (
        form.refusal == "the token header is not supported: its header has crit, which is not understood here"
    )


@given(st.text(max_size=200) | st.text("ab.=+/_- \n", max_size=60))
def test_no_text_is_too_bad(text: str) -> None:
    form = read_form(text)
    assert form.refusal is not None
    assert form.faults


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"), (0.9, "0 seconds"), (1, "1 second"), (-59, "59 seconds"), (60, "1 minute"),
        (61, "1 minute 1 second"), (3600, "1 hour"), (3601, "1 hour"), (3660, "1 hour 1 minute"),
        (90_061, "1 day 1 hour"), (86_400 * 4000, "4,000 days"),
    ],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_moments() -> None:
    assert relative(NOW_S - 720, NOW_S) == "12 minutes ago"
    assert relative(NOW_S + 5, NOW_S) == "in 5 seconds"
    assert relative(NOW_S + 0.5, NOW_S) == "now"
    assert moment(NOW_S - 720, NOW_S) == "12 minutes ago (2026-07-10T19:07:05Z)"
    assert moment("soon", NOW_S) == "not a time"
    assert moment(True, NOW_S) == "not a time"
    assert "milliseconds" in moment(NOW_S * 1000, NOW_S)
    assert moment(-(10**11), NOW_S) == "not a time of this calendar"
