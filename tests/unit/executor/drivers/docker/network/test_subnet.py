"""Subnets and addresses of an instance's bridges."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from executor.drivers.docker.network.subnet import MAX_ADDRESSES, Addresses, free_subnets

NET = IPv4Network


def test_a_subnet_overlaps_with_nothing_that_is_taken() -> None:
    taken = (NET("0.0.0.0/0"), NET("10.192.0.0/11"), NET("10.224.0.0/16"), NET("10.225.3.0/24"))
    found = list(free_subnets("00000000", taken))
    assert found
    assert not any(each.overlaps(other) for each in found for other in taken[1:])


def test_two_instances_begin_elsewhere() -> None:
    assert next(free_subnets("00000001", ())) != next(free_subnets("00000002", ()))


def test_an_instance_gets_the_same_subnet_again() -> None:
    assert next(free_subnets("1a2b3c4d", ())) == next(free_subnets("1a2b3c4d", ()))


def test_where_all_of_10_is_taken_another_private_range_serves() -> None:
    assert next(free_subnets("0000abcd", (NET("10.0.0.0/8"),))).subnet_of(NET("172.16.0.0/12"))


def test_there_may_be_none() -> None:
    assert not list(free_subnets("0000abcd", (NET("10.0.0.0/8"), NET("172.16.0.0/12"))))


def test_an_address_that_is_out_is_not_given_again() -> None:
    addresses = Addresses(NET("10.9.0.0/21"))
    taken = [addresses.take() for _ in range(MAX_ADDRESSES)]
    assert len(set(taken)) == MAX_ADDRESSES
    assert IPv4Address("10.9.0.1") not in taken  # the bridge's
    assert addresses.take() is None
    assert taken[7] is not None
    addresses.give_back(taken[7])
    assert addresses.take() == taken[7]


def test_an_address_that_came_back_is_the_last_to_be_used_again() -> None:
    """Connections of the container before may still be known to the kernel under it."""
    addresses = Addresses(NET("10.9.0.0/21"))
    first = addresses.take()
    assert first is not None
    addresses.give_back(first)
    others = [addresses.take() for _ in range(MAX_ADDRESSES - 1)]
    assert first not in others
    assert addresses.take() == first


@pytest.mark.parametrize("there", ["10.9.0.2", "10.9.0.3"])
def test_addresses_of_others_are_left_out(there: str) -> None:
    addresses = Addresses(NET("10.9.0.0/21"), taken=[IPv4Address(there)])
    assert IPv4Address(there) not in {addresses.take() for _ in range(MAX_ADDRESSES - 1)}
