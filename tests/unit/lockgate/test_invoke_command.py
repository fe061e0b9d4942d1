"""What a shell hands over as a payload: JSON, or a usage error that says so; never a traceback."""

import pytest

from lockgate.commands.invoke import read_payload
from lockgate.errors import UsageError


def test_the_payload_is_the_bytes_that_were_typed():
    assert read_payload('{"caf\u00e9": 1}') == '{"caf\u00e9": 1}'.encode()


@pytest.mark.parametrize("text", ["", "{", "\udcff", '"\udcff"', "[" * 100_000, "@/nonexistent"])
def test_what_is_no_json_is_a_usage_error(text):
    with pytest.raises(UsageError):
        read_payload(text)
