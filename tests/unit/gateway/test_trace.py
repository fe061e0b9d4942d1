import pytest

from gateway.trace import continue_trace

RANDOM = bytes(range(20))
NEW_ROOT = "Root=1-5e9f0c65-000102030405060708090a0b"
PARENT = "0c0d0e0f10111213"
ROOT = "1-6a5145a9-1bae89e2512ec92d5d9438a0"


@pytest.mark.parametrize(
    ("client", "header"),
    [
        pytest.param(f"Root={ROOT}", f"Root={ROOT};Parent={PARENT};Sampled=0", id="root-only"),
        pytest.param(
            f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1",
            f"Root={ROOT};Parent={PARENT};Sampled=1",
            id="parent-is-replaced",
        ),
        pytest.param(
            f"Self=1-67891234-0; root={ROOT} ;sampled=1;Lineage=x",
            f"Root={ROOT};Parent={PARENT};Sampled=1",
            id="any-order-and-case",
        ),
        pytest.param(f"Root={ROOT}\n", f"Root={ROOT};Parent={PARENT};Sampled=0", id="trimmed"),
        pytest.param(f"Root={ROOT};Sampled=?", f"Root={ROOT};Parent={PARENT};Sampled=0", id="undecided"),
    ],
)
def test_valid_root_is_kept(client: str, header: str) -> None:
    trace = continue_trace(client, 0x5E9F0C65, RANDOM)
    assert (trace.header, trace.call) == (header, header)


@pytest.mark.parametrize(
    "client",
    [
        None,
        "",
        "Root=",
        "Root=1-xyz",
        f"Root={ROOT}0",
        f"Root={ROOT},Root={ROOT}",
        f"Root={ROOT.upper()}",
        f"Root={ROOT};x=" + "y" * 600,
    ],
)
def test_anything_else_gets_a_new_root(client: str | None) -> None:
    trace = continue_trace(client, 0x5E9F0C65, RANDOM)
    assert trace.header == NEW_ROOT
    assert trace.call == f"{NEW_ROOT};Parent={PARENT};Sampled=0"
