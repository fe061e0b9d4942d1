"""Trace headers: kept when well-formed, made otherwise."""

import pytest

from executor.api.trace import trace_of

ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    "header",
    [ROOT, f"{ROOT};Parent=53995c3f42cd8ad8;Sampled=1", f"{ROOT};Sampled=0;Lineage=1:a87bd80c:0|68fd508a:5"],
)
def test_well_formed_header_is_kept(header: str) -> None:
    assert trace_of(header, 0.0) == header


@pytest.mark.parametrize(
    "header",
    [None, "", "Root=1-x", f"{ROOT};Parent=1", f"{ROOT}\nSampled=1", f"{ROOT};X=1", ROOT + ";Sampled=1" * 99],
)
def test_other_headers_are_replaced_by_a_new_trace(header: str | None) -> None:
    made = trace_of(header, 0x5759E988)
    assert made != header
    assert made.startswith("Root=1-5759e988-")
    assert trace_of(made, 0.0) == made
    assert trace_of(header, 0x5759E988) != made
