"""B7: how long a lock lasts, and what counts as one address."""

import pytest

from auth.core.lockout import WHOLE_POOL, address_subject, lock_s
from auth.core.username import canonical
from auth.errors import InvalidParameter


def test_a_lock_doubles_from_one_second_to_fifteen_minutes() -> None:
    """B7: after the fifth failure."""
    assert [lock_s(n) for n in range(1, 17)] == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert lock_s(10**9) == 900


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:1", id="one-customers-64"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", id="mapped"),
        pytest.param("fe80::1%eth0", "fe80::2", id="zone"),
    ],
)
def test_addresses_of_one_customer_count_as_one(one: str, other: str) -> None:
    """B7: or an IPv6 customer has 2^64 tries."""
    assert address_subject(one) == address_subject(other)


def test_addresses_of_two_customers_do_not() -> None:
    assert address_subject("2001:db8:0:1::1") != address_subject("2001:db8:0:2::1")
    assert address_subject("192.0.2.1") != address_subject("192.0.2.2")


@pytest.mark.parametrize("subject", [WHOLE_POOL, address_subject("192.0.2.1"), address_subject("")])
def test_nobody_is_called_like_an_address_or_the_pool(subject: str) -> None:
    """B7: a name that counts as the whole pool would lock it."""
    with pytest.raises(InvalidParameter):
        canonical(subject, is_case_sensitive=False)
