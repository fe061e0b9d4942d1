import resource

import pytest

from lockgate.open_files import connection_share, raise_open_files


def test_a_listener_gets_a_share_within_bounds():
    assert connection_share(65_536, one_of=2) == 10_000
    assert connection_share(1024, one_of=2) == 512
    assert connection_share(100, one_of=10) == 16


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        (1024, 4096, 4096),
        (1024, 10**6, 65_536),
        (10**6, 10**6, 10**6),
        (1024, resource.RLIM_INFINITY, 65_536),
    ],
)
def test_the_limit_is_raised_as_far_as_allowed(monkeypatch, soft, hard, expected):
    given = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: given.append(limits))
    assert raise_open_files() == expected
    assert given == ([] if expected == soft else [(expected, hard)])


def test_a_machine_that_refuses_leaves_the_limit_as_it_was(monkeypatch):
    def refuse(_, limits):
        raise ValueError(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_files() == 256
