"""Whose bucket: by address, header and claim; few bytes; and nobody is unlimited."""

from types import SimpleNamespace
from typing import cast

import pytest

from gateway.exchange import Authorization, Exchange
from gateway.fields import RequestFields
from gateway.throttling.caller import NOBODY, address_key, caller_reader
from gateway.throttling.spec import ThrottleKey


def exchange(
    *,
    source_ip: str = "192.0.2.7",
    headers: tuple[tuple[str, str], ...] = (),
    values: dict[str, object] | None = None,
) -> Exchange:
    fields = RequestFields([(name.encode(), value.encode("latin-1")) for name, value in headers])
    request = SimpleNamespace(source_ip=source_ip, fields=fields)
    authorization = None if values is None else Authorization(v2={}, v1={}, values=values)
    return cast(Exchange, SimpleNamespace(request=request, authorization=authorization))


HEADER = ThrottleKey(kind="header", name="x-api-key")
CLAIM = ThrottleKey(kind="claim", name="sub")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", True, id="v4"),
        pytest.param("192.0.2.7", "192.0.2.8", False, id="v4-neighbour"),
        pytest.param("2001:db8:1:2::7", "2001:db8:1:2:ffff::9", True, id="v6-same-64"),
        pytest.param("2001:db8:1:2::7", "2001:db8:1:3::7", False, id="v6-next-64"),
        pytest.param("2001:db8:1:2::7", "2001:0DB8:0001:0002:0:0:0:7", True, id="v6-other-spelling"),
        pytest.param("fe80::1%eth0", "fe80::2%eth1", True, id="v6-zone"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", True, id="v4-mapped"),
        pytest.param("::ffff:192.0.2.7", "::ffff:192.0.2.8", False, id="v4-mapped-neighbour"),
        pytest.param("::1", "::2", True, id="v6-loopback"),
        pytest.param("10.0.0.1", "3130:2e30:2e30:2e31::", False, id="v6-that-spells-a-v4"),
        pytest.param("", "not:an:address", True, id="no-address"),
    ],
)
def test_address(one: str, other: str, is_same: bool) -> None:
    read = caller_reader(ThrottleKey(kind="source_ip"))
    assert (read(exchange(source_ip=one)) == read(exchange(source_ip=other))) is is_same


def test_no_address_is_nobody() -> None:
    assert address_key("") == address_key("not:an:address") == NOBODY


def test_header() -> None:
    read = caller_reader(HEADER)
    one, same = (read(exchange(headers=(("x-api-key", "k1"),))) for _ in range(2))
    other = read(exchange(headers=(("x-api-key", "k2"),)))
    assert one == same != other
    assert NOBODY not in (one, other)


@pytest.mark.parametrize("headers", [(), (("x-api-key", ""),), (("x-api-key-2", "k"),)])
def test_missing_header_is_nobody(headers: tuple[tuple[str, str], ...]) -> None:
    assert caller_reader(HEADER)(exchange(headers=headers)) == NOBODY


def test_repeated_header_is_neither_of_its_values() -> None:
    read = caller_reader(HEADER)
    both = read(exchange(headers=(("x-api-key", "k1"), ("x-api-key", "k2"))))
    assert both not in (read(exchange(headers=(("x-api-key", value),))) for value in ("k1", "k2"))


def test_claim() -> None:
    read = caller_reader(CLAIM)
    one, same = (read(exchange(values={"claims.sub": "u1", "principalId": "p"})) for _ in range(2))
    assert one == same != read(exchange(values={"claims.sub": "u2"}))
    assert one != NOBODY


@pytest.mark.parametrize("values", [None, {}, {"sub": "u1"}, {"claims.sub": ""}, {"claims.sub": None}])
def test_missing_claim_is_nobody(values: dict[str, object] | None) -> None:
    assert caller_reader(CLAIM)(exchange(values=values)) == NOBODY


def test_claim_that_is_no_text_still_tells_callers_apart() -> None:
    read = caller_reader(CLAIM)
    assert read(exchange(values={"claims.sub": 1})) == read(exchange(values={"claims.sub": "1"})) != NOBODY


@pytest.mark.parametrize("by", [HEADER, CLAIM], ids=["header", "claim"])
@pytest.mark.parametrize("value", ["key-of-one", "k" * 16_000, "\u00e9\u00ff"])
def test_caller_is_16_bytes_of_whatever_was_sent(by: ThrottleKey, value: str) -> None:
    """What a client sends must not be what we remember: neither its size nor its secret."""
    sent = exchange(headers=(("x-api-key", value),), values={"claims.sub": value})
    caller = caller_reader(by)(sent)
    assert len(caller) == 16
    assert value.encode() not in caller


def test_claim_with_a_lone_surrogate_is_a_caller() -> None:
    assert len(caller_reader(CLAIM)(exchange(values={"claims.sub": "\ud800"}))) == 16


def test_address_is_short_too() -> None:
    assert len(address_key("1" * 1000)) <= 45


def test_keys_are_drawn_anew() -> None:
    """Two throttles, and two servers, do not share what an attacker may have found for one."""
    sent = exchange(headers=(("x-api-key", "k1"),))
    assert caller_reader(HEADER)(sent) != caller_reader(HEADER)(sent)
