"""Names point at revisions and are swapped whole; what an earlier deployment named stays until it is released."""

import pytest

from executor.catalog import Catalog, Generation
from executor.revision import FunctionConfig, Revision
from kit.invoke import InvokeAnswer, InvokeCall


def revision(name: str, package: str = "p") -> Revision:
    return Revision.of(FunctionConfig(name=name, runtime="python3.13", handler="app.handler"), package)


async def run(call: InvokeCall, revision: Revision | None) -> InvokeAnswer:
    return InvokeAnswer(
        status=200, headers={}, payload=b"" if revision is None else revision.package.encode()
    )


def generation(*revisions: Revision) -> Generation:
    return Generation(run, revisions)


async def called(generation: Generation, function: str) -> str:
    return (
        await generation.invoke(InvokeCall(function=function, payload=b"", budget_ms=1, trace=""))
    ).payload.decode()


def test_empty_catalog_knows_nothing() -> None:
    catalog = Catalog()
    assert (catalog.latest("a"), catalog.has("a"), catalog.names(), catalog.in_use) == (None, False, (), ())


def test_adopting_points_names_at_revisions() -> None:
    catalog = Catalog()
    a, b = revision("a"), revision("b")
    assert catalog.adopt(generation(b, a)) == [b, a]
    assert (catalog.latest("a"), catalog.has("b"), catalog.names()) == (a, True, ("b", "a"))


def test_only_differences_are_told_in_their_order() -> None:
    catalog = Catalog()
    same, old, gone, new = revision("a"), revision("b"), revision("c"), revision("b", "q")
    before, after = generation(same, old, gone), generation(revision("a"), new)
    catalog.adopt(before)
    assert catalog.adopt(after) == [new]
    assert (catalog.latest("b"), catalog.latest("c")) == (new, None)
    assert catalog.release(before) == [old, gone]
    assert catalog.in_use == (after,)


def test_the_same_again_changes_nothing() -> None:
    catalog = Catalog()
    before = generation(revision("a"))
    catalog.adopt(before)
    assert catalog.adopt(generation(revision("a"))) == []
    assert catalog.release(before) == []


def test_revision_that_returns_is_told_again_because_another_was_pointed_at_meanwhile() -> None:
    catalog = Catalog()
    a, b = revision("a"), revision("a", "q")
    first, second = generation(a), generation(b)
    for each in (first, second):
        catalog.adopt(each)
    assert catalog.adopt(generation(a)) == [a]
    assert catalog.release(first) == []
    assert catalog.release(second) == [b]


async def test_generation_runs_its_own_revisions_until_it_is_released() -> None:
    """R3: a request under way sees one deployment."""
    catalog = Catalog()
    before, after = generation(revision("a", "old"), revision("b", "old")), generation(revision("a", "new"))
    catalog.adopt(before)
    catalog.adopt(after)
    assert [await called(before, name) for name in "ab"] == ["old", "old"]
    assert [await called(after, name) for name in "ab"] == ["new", ""]
    catalog.release(before)
    assert [await called(before, name) for name in "ab"] == ["new", ""]


def test_generation_is_released_once() -> None:
    catalog = Catalog()
    only = generation(revision("a"))
    catalog.adopt(only)
    catalog.release(only)
    with pytest.raises(ValueError, match="not in list"):
        catalog.release(only)
