"""The base class is private API of uvicorn: a change there must be read before it is shipped."""

import hashlib
import inspect

import httptools
import pytest
import uvicorn
from uvicorn.protocols.http import flow_control, httptools_impl
from uvicorn.server import ServerState

from kit.edge import EdgeProtocol

ADVICE = (
    "uvicorn {version}: the source of {what} has changed (now {digest}). Read its diff and re-check "
    "kit/edge.py and kit/edge_reading.py: __init__ arguments and parser leniencies, connection_made, "
    "eof_received, the callbacks' names and order, `connections` and `tasks` of ServerState, FlowControl's "
    "pause and resume. Then run the vectors and the benchmark, and enter the new digest here."
)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        pytest.param(httptools_impl.HttpToolsProtocol, "18fdf324b11bf160", id="protocol"),
        pytest.param(flow_control.FlowControl, "126debcdaa894c83", id="flow-control"),
        pytest.param(ServerState, "f2260fbf10154746", id="server-state"),
    ],
)
def test_uvicorn_base_is_the_one_that_was_read(what: type, expected: str) -> None:
    digest = hashlib.sha256(inspect.getsource(what).encode()).hexdigest()[:16]
    assert digest == expected, ADVICE.format(version=uvicorn.__version__, what=what.__name__, digest=digest)


def test_every_parser_callback_of_the_base_is_ours() -> None:
    """A callback that a later uvicorn adds would act without our limits."""
    callbacks = {name for name in dir(httptools_impl.HttpToolsProtocol) if name.startswith("on_")}
    ours = {
        name
        for name in callbacks
        if getattr(EdgeProtocol, name) is not getattr(httptools_impl.HttpToolsProtocol, name)
    }
    assert callbacks - ours == {"on_response_complete"}, "only its own response cycle calls that one"


def test_parser_stops_after_an_upgrade_as_expected() -> None:
    """`EdgeReading._ignore_upgrade` stands on this: the offset is that of the first byte after the head."""

    class Quiet:
        def on_headers_complete(self) -> None:
            pass

    head = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\n"
    with pytest.raises(httptools.HttpParserUpgrade) as caught:
        httptools.HttpRequestParser(Quiet()).feed_data(head + b"abc")
    assert caught.value.args == (len(head),)
