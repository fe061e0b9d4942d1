import socket

import pytest

from lockgate import settings
from lockgate.cli import Parser
from lockgate.driver_choice import refuse_exposed, refuse_unsafe
from lockgate.errors import RuntimeFailure, UsageError


def parse(*argv, environ=None, dev=False):
    parser = Parser()
    settings.add_flags(parser, settings.SERVER_FLAGS, environ or {})
    return settings.server_settings(parser.parse_args(argv), dev=dev)


def test_a_flag_wins_over_its_variable_and_that_over_the_default():
    assert parse().gateway == "127.0.0.1:8080"
    assert parse(environ={"LOCKGATE_GATEWAY": "127.0.0.1:1"}).gateway == "127.0.0.1:1"
    assert (
        parse("--gateway", "127.0.0.1:2", environ={"LOCKGATE_GATEWAY": "127.0.0.1:1"}).gateway
        == "127.0.0.1:2"
    )


@pytest.mark.parametrize("flag", settings.SERVER_FLAGS, ids=lambda flag: flag.name)
def test_every_flag_has_a_variable(flag):
    assert flag.variable == "LOCKGATE_" + flag.name.upper().replace("-", "_")


@pytest.mark.parametrize(
    ("argv", "environ", "match"),
    [
        (["--executor-url", "http://127.0.0.1:1"], {}, "no unix socket"),
        (["--executor-url", "unix:x"], {}, "no unix socket"),
        (["--workers", "0"], {}, "no number of processes"),
        (["--workers", "65"], {}, "no number of processes"),
        (["--workers", "two"], {}, "no number of processes"),
        (["--drain", "soon"], {}, "no number|not a number"),
        (["--drain", "-1"], {}, "not a number"),
        (["--drain", "nan"], {}, "not a number"),
        (["--engine-wait", "-1"], {}, "--engine-wait '-1' is not a number"),
        (["--uid-base", "0"], {}, "no user id"),
        ([], {"LOCKGATE_DRIVER": "podman"}, "no driver"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_a_reason(argv, environ, match):
    with pytest.raises(UsageError, match=match) as caught:
        parse(*argv, environ=environ)
    assert caught.value.instead


class Capable:
    isolated = False

    def __init__(self, own_uid, private_tmp):
        self.own_uid, self.private_tmp = own_uid, private_tmp


@pytest.mark.parametrize(
    ("own_uid", "private", "dev", "refused"),
    [
        (True, True, False, False),
        (False, True, False, False),
        (True, False, False, False),
        (False, False, False, True),
        (False, False, True, False),
    ],
)
def test_serve_refuses_functions_that_could_read_the_state(own_uid, private, dev, refused):
    if not refused:
        refuse_unsafe(Capable(own_uid, private), parse(dev=dev))
        return
    with pytest.raises(RuntimeFailure, match="could read the server's state"):
        refuse_unsafe(Capable(own_uid, private), parse(dev=dev))


def test_the_first_file_that_is_named_takes_the_defaults_place_and_none_is_lost():
    assert [str(path) for path in parse().config] == ["routes.yaml"]
    assert [str(path) for path in parse("-c", "a.yaml").config] == ["a.yaml"]
    assert [str(path) for path in parse("-c", "a.yaml", "--config", "b.yaml").config] == ["a.yaml", "b.yaml"]


def test_an_empty_variable_counts_as_not_given():
    """``LOCKGATE_STATE=`` made the current folder the state folder, and closed it to others."""
    given = parse(environ={flag.variable: "" for flag in settings.SERVER_FLAGS})
    assert given == parse()


@pytest.mark.parametrize(
    ("family", "host", "argv", "dev", "is_refused"),
    [
        pytest.param(socket.AF_INET, "0.0.0.0", [], False, True, id="any"),  # never listens
        pytest.param(socket.AF_INET6, "::", [], False, True, id="any-ipv6"),
        pytest.param(socket.AF_INET, "127.0.0.1", [], False, False, id="loopback"),
        pytest.param(socket.AF_INET6, "::1", [], False, False, id="loopback-ipv6"),
        pytest.param(socket.AF_INET, "0.0.0.0", ["--driver", "process"], False, False, id="said"),
        pytest.param(socket.AF_INET, "0.0.0.0", [], True, False, id="dev"),
    ],
)
def test_an_inherited_gateway_is_judged_by_where_it_listens(family, host, argv, dev, is_refused):
    """With LISTEN_FDS a public socket came while --gateway still said loopback: processes by accident."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind((host, 0))
        if not is_refused:
            refuse_exposed(sock, parse(*argv, dev=dev))
            return
        with pytest.raises(RuntimeFailure, match="others can reach"):
            refuse_exposed(sock, parse(*argv, dev=dev))
