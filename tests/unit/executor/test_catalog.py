"""Names point at revisions and are swapped whole."""

from executor.catalog import Catalog
from executor.revision import FunctionConfig, Revision


def revision(name: str, package: str = "p") -> Revision:
    return Revision.of(FunctionConfig(name=name, runtime="python3.13", handler="app.handler"), package)


def test_empty_catalog_knows_nothing() -> None:
    catalog = Catalog()
    assert (catalog.latest("a"), catalog.has("a"), catalog.names()) == (None, False, ())


def test_swap_points_names_at_revisions() -> None:
    catalog = Catalog()
    a, b = revision("a"), revision("b")
    assert catalog.swap([b, a]) == ([b, a], [])
    assert (catalog.latest("a"), catalog.has("b"), catalog.names()) == (a, True, ("b", "a"))


def test_swap_tells_only_differences_in_their_order() -> None:
    catalog = Catalog()
    same, old, gone = revision("a"), revision("b"), revision("c")
    catalog.swap([same, old, gone])
    new = revision("b", "q")
    assert catalog.swap([revision("a"), new]) == ([new], [old, gone])
    assert (catalog.latest("b"), catalog.latest("c")) == (new, None)


def test_swap_with_the_same_changes_nothing() -> None:
    catalog = Catalog()
    catalog.swap([revision("a")])
    assert catalog.swap(iter([revision("a")])) == ([], [])
